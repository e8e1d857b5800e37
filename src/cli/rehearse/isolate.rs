//! A command gets a network of its own in which nothing listens but the shadows (Linux).
//!
//! rollcast starts itself once more, as the hidden command `isolated`. That one enters a new user and network namespace, brings the
//! loopback up, listens there and hands the sockets to the first one, which serves them: a socket belongs to the network in which it
//! was made, whoever accepts from it. Then it becomes the command. The two talk over a pair of sockets, which is the standard input
//! of the second until it is handed the command's own.

use crate::cli::args::Isolated;
use crate::diagnostic::Diagnostic;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags,
    SocketType, netdevice, netlink, recv, recvmsg, sendmsg, sendto, socket_with,
};
use rustix::process::{getgid, getuid};
use rustix::thread::UnshareFlags;
use std::ffi::OsString;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

/// So many sockets can be handed over in one message.
const MOST: usize = 250;

/// Says that sockets come with it.
const READY: u8 = b'+';

/// The other end of the pair, in the rollcast that serves.
pub(super) struct Channel(UnixStream);

/// The command that will become the given one in a network of its own, with `shadows` sockets that listen.
pub(super) fn command(words: &[OsString], shadows: usize) -> io::Result<(Command, Channel)> {
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["isolated", "--shadows", &shadows.to_string(), "--"]).args(words).stdin(Stdio::from(OwnedFd::from(theirs)));
    Ok((command, Channel(ours)))
}

impl Channel {
    /// The sockets that listen where the command will run.
    pub(super) fn listeners(&self) -> Result<Vec<TcpListener>, Diagnostic> {
        let mut text = [0; 512];
        let mut sockets = Vec::new();
        let count = receive(self.0.as_fd(), &mut text, &mut sockets)
            .map_err(|e| refused(&format!("the network of the command said nothing: {e}")))?;
        match text[..count].split_first() {
            Some((&READY, _)) => Ok(sockets.into_iter().map(TcpListener::from).collect()),
            _ => Err(refused(&String::from_utf8_lossy(&text[..count]))),
        }
    }

    /// Lets the command start.
    ///
    /// # Errors
    /// Why it cannot be run.
    pub(super) fn go(mut self) -> io::Result<()> {
        // What is closed here is not to be open there.
        let null = std::fs::File::open("/dev/null")?;
        let input = io::stdin();
        let input = if rustix::io::fcntl_getfd(input.as_fd()).is_ok() { input.as_fd() } else { null.as_fd() };
        send(self.0.as_fd(), &[READY], &[input])?;
        // Its end of the pair closes when it becomes the command.
        let mut text = String::new();
        self.0.read_to_string(&mut text)?;
        match text.parse() {
            Ok(number) => Err(io::Error::from_raw_os_error(number)),
            Err(_) => Ok(()),
        }
    }
}

fn refused(why: &str) -> Diagnostic {
    let error = Diagnostic::error("cannot-isolate", format!("cannot give the command a network of its own: {why}"));
    error.hint("the kernel, or the container that this runs in, must allow unprivileged user namespaces; without --isolate the command can reach the network")
}

/// What the hidden command does: all of the above, from the other side. It returns only if something went wrong, which it tells.
pub(crate) fn become_command(options: &Isolated) -> u8 {
    let input = io::stdin();
    let told = match alone(options.shadows) {
        Err((what, error)) => format!("{what}: {error}"),
        Ok(listeners) => {
            let sockets: Vec<BorrowedFd<'_>> = listeners.iter().map(AsFd::as_fd).collect();
            match hand_over(input.as_fd(), &sockets) {
                Ok((channel, own_input)) => return exec(options, channel, own_input),
                Err(error) => error.to_string(),
            }
        }
    };
    // Nobody is left to tell it to where this fails.
    send(input.as_fd(), told.as_bytes(), &[]).ok();
    crate::cli::ERROR
}

fn exec(options: &Isolated, channel: OwnedFd, input: OwnedFd) -> u8 {
    let Some((program, arguments)) = options.command.split_first() else { return crate::cli::ERROR };
    let error = Command::new(program).args(arguments).stdin(Stdio::from(input)).exec();
    let number = error.raw_os_error().unwrap_or_else(|| rustix::io::Errno::NOENT.raw_os_error());
    // Nobody is left to tell it to where this fails.
    UnixStream::from(channel).write_all(number.to_string().as_bytes()).ok();
    crate::cli::ERROR
}

/// Sockets that listen on the loopback of a new network, in which this process is from now on.
fn alone(count: usize) -> Result<Vec<TcpListener>, (&'static str, io::Error)> {
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    enter().map_err(|e| ("a new user and network namespace is refused", e))?;
    let map = |file: &str, text: String| std::fs::write(format!("/proc/self/{file}"), text);
    map("setgroups", "deny".into())
        .and_then(|()| map("uid_map", format!("{user} {user} 1")))
        .and_then(|()| map("gid_map", format!("{group} {group} 1")))
        .map_err(|e| ("the user cannot be taken over into the new namespace", e))?;
    bring_loopback_up().map_err(|e| ("the loopback cannot be brought up", e))?;
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    (0..count.min(MOST)).map(|_| listen()).collect::<io::Result<_>>().map_err(|e| ("nothing can listen in it", e))
}

#[allow(deprecated, reason = "it is unsafe for descriptor tables only, which stay shared")]
fn enter() -> io::Result<()> {
    Ok(rustix::thread::unshare(UnshareFlags::NEWUSER | UnshareFlags::NEWNET)?)
}

/// `ip link set lo up`, over the routing protocol, which is number 0: RTM_NEWLINK with IFF_UP (`rtnetlink(7)`).
fn bring_loopback_up() -> io::Result<()> {
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    let any = socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    let index = netdevice::name_to_index(any, "lo")?;
    let (length, new_link, request_and_ack, up) = (32_u32, 16_u16, 5_u16, 1_u32);
    let mut message = Vec::new();
    message.extend(length.to_ne_bytes());
    message.extend(new_link.to_ne_bytes());
    message.extend(request_and_ack.to_ne_bytes());
    message.extend([0; 12]);
    message.extend(index.to_ne_bytes());
    message.extend(up.to_ne_bytes());
    message.extend(up.to_ne_bytes());
    sendto(&socket, &message, SendFlags::empty(), &netlink::SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0_u8; 256];
    let (count, _) = recv(&socket, &mut answer, RecvFlags::empty())?;
    // A header of 16 bytes, then the number of the error, negative.
    match answer[..count].get(16..20).and_then(|bytes| bytes.try_into().ok()).map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(number) => Err(io::Error::from_raw_os_error(-number)),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Hands the sockets over and waits for the command's own input; gives the pair's end too.
fn hand_over(channel: BorrowedFd<'_>, sockets: &[BorrowedFd<'_>]) -> io::Result<(OwnedFd, OwnedFd)> {
    send(channel, &[READY], sockets)?;
    let mut received = Vec::new();
    let count = receive(channel, &mut [0; 8], &mut received)?;
    match received.pop() {
        Some(input) if count > 0 => Ok((channel.try_clone_to_owned()?, input)),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

fn send(channel: BorrowedFd<'_>, text: &[u8], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
    let message = SendAncillaryMessage::ScmRights(descriptors);
    let mut space = vec![MaybeUninit::uninit(); message.size()];
    let mut with = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() && !with.push(message) {
        return Err(io::Error::other("too many sockets"));
    }
    sendmsg(channel, &[IoSlice::new(text)], &mut with, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn receive(channel: BorrowedFd<'_>, text: &mut [u8], descriptors: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut with = RecvAncillaryBuffer::new(&mut space);
    let message = recvmsg(channel, &mut [IoSliceMut::new(text)], &mut with, RecvFlags::CMSG_CLOEXEC)?;
    for part in with.drain() {
        if let RecvAncillaryMessage::ScmRights(all) = part {
            descriptors.extend(all);
        }
    }
    Ok(message.bytes)
}
