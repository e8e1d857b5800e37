//! Random bytes and odd variations of what real clients send, thrown at everything that reads what others wrote.
//!
//! `cargo test --test fuzz -- [--seconds N] [--seed N] [--rounds N] [TARGET…]`; all targets in turn if none is named. Round n of a run has
//! the seed N + n: `--seed N --rounds 1 TARGET` does it again. A round begins with a fresh state and throws a hundred things. What is
//! looked for: a panic, a connection that ends without an answer, anything that takes longer than twenty seconds. Exits 1 if it was found.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::exit,
    reason = "a test binary: nothing is public, a failure is a panic, time is real"
)]

#[allow(dead_code, reason = "shared with the tests of the shadow, which use the rest")]
#[path = "../tests/shadow/http.rs"]
mod http;
mod mutate;
#[allow(dead_code, reason = "shared with the differential tester, which uses the rest")]
#[path = "../tests/differential/random.rs"]
mod random;
mod targets;
mod watches;

use random::Random;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use targets::Corpus;

/// So long one thing may take; debug builds on busy machines are slow.
const PATIENCE: Duration = Duration::from_secs(20);

/// The last panic of any thread.
static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// What is being done, for the watchdog: a number that moves on with each thing.
static STEPS: AtomicU64 = AtomicU64::new(0);
static DOING: Mutex<String> = Mutex::new(String::new());

type Target = fn(&Corpus, &mut Random);

const TARGETS: [(&str, Target); 7] = [
    ("bodies", targets::bodies),
    ("patches", targets::patches),
    ("protobuf", targets::protobuf),
    ("heads", targets::heads),
    ("watches", watches::watches),
    ("yaml", targets::yaml),
    ("files", targets::files),
];

/// Says that something begins.
pub fn step() {
    STEPS.fetch_add(1, Ordering::Relaxed);
}

fn watch() {
    let (mut last, mut since) = (0, Instant::now());
    loop {
        std::thread::sleep(Duration::from_millis(500));
        let now = STEPS.load(Ordering::Relaxed);
        if now != last {
            (last, since) = (now, Instant::now());
        } else if since.elapsed() > 6 * PATIENCE {
            println!("HANGS: {}", DOING.lock().unwrap());
            std::process::exit(1);
        }
    }
}

fn main() {
    let (mut seconds, mut seed, mut rounds, mut named) = (60, 1, u64::MAX, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|n| n.parse().ok()).expect("a number");
        match argument.as_str() {
            "--seconds" => seconds = number(),
            "--seed" => seed = number(),
            "--rounds" => rounds = number(),
            target => named.push(target.to_owned()),
        }
    }
    std::panic::set_hook(Box::new(|info| *PANIC.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(info.to_string())));
    let corpus = Corpus::read();
    std::thread::spawn(watch);
    let chosen: Vec<_> = TARGETS.iter().filter(|(name, _)| named.is_empty() || named.iter().any(|n| n == name)).collect();
    let (began, mut found) = (Instant::now(), 0);
    let mut done = 0;
    'all: for round in 0..rounds {
        for (name, target) in &chosen {
            if began.elapsed() > Duration::from_secs(seconds) {
                break 'all;
            }
            let doing = format!("--seed {} --rounds 1 {name}", seed.wrapping_add(round));
            doing.clone_into(&mut DOING.lock().unwrap());
            let ended = catch_unwind(AssertUnwindSafe(|| target(&corpus, &mut Random::new(seed.wrapping_add(round)))));
            let panicked = PANIC.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take();
            if let Some(said) = panicked.or_else(|| ended.err().map(|_| "no answer".into())) {
                found += 1;
                println!("FOUND by {doing}: {said}");
            }
            done += 1;
        }
    }
    let steps = STEPS.load(Ordering::Relaxed);
    println!("{steps} things in {done} rounds, {} s: {found} found", began.elapsed().as_secs());
    std::process::exit(i32::from(found > 0));
}
