//! Random writes to a real control plane and to ours, compared.
//!
//! `tests/differential/run.sh [--kubernetes VERSION] [--seed N] [--sequences N] [--seconds N] [--kinds Deployment,Job] [--threads N] [--found DIR] [--case FILE] [--tolerate N]`
//! starts a control plane and sends to it; with `--server https://127.0.0.1:PORT` the test binary alone sends to one that runs. Sequence n of
//! a run has the seed N + n, so `--seed N --sequences 1` sends it again. With `--seconds` no sequence begins after that time. Each new cause of disagreement is shrunk and, with `--found`, written there as a
//! recorded case. `--case` sends the steps of recorded cases instead of drawn ones. The last line counts; the exit code is 1 if anything
//! disagreed, with `--tolerate` more often than that many times in a thousand.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::exit,
    reason = "a test binary: nothing is public, a failure is a panic, time is real"
)]

#[path = "../answers/mod.rs"]
mod answers;
mod draw;
mod kinds;
mod known;
#[allow(dead_code, reason = "shared with tests/laws.rs, which uses the rest")]
mod ours;
mod random;
mod sequence;
mod server;
mod shrink;

use answers::normalised;
use kinds::Kind;
use ours::{Answer, Disagreement, Ours, disagreements, revision};
use rollcast::object::{Value, json};
use rollcast::schema::Version;
use server::Server;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// So many sequences of one cause are shrunk.
const SHRUNK_OF_A_CAUSE: usize = 1;

/// After which times a disagreement is looked at again: some controllers note that they have seen an object before they have done
/// all that follows.
const LATER: [u64; 6] = [50, 150, 300, 500, 1000, 3000];
/// The same where a sequence is shrunk, which asks often.
const LATER_WHEN_SHRINKING: [u64; 3] = [50, 150, 500];

struct Options {
    server: String,
    seed: u64,
    sequences: u64,
    seconds: u64,
    threads: usize,
    kinds: Vec<String>,
    found: Option<PathBuf>,
    case: Option<PathBuf>,
    shrink: bool,
    /// So many disagreements in a thousand sequences make no run fail; all are shown.
    tolerated: usize,
}

impl Options {
    fn read() -> Self {
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        let given = |name: &str| arguments.iter().position(|a| a == name).and_then(|i| arguments.get(i + 1)).cloned();
        let number = |name: &str, default: u64| given(name).map_or(default, |text| text.parse().expect("a number"));
        let fresh = u64::from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos()) * 1000;
        Self {
            server: given("--server").expect("--server https://127.0.0.1:PORT"),
            seed: number("--seed", fresh),
            sequences: number("--sequences", if given("--seconds").is_some() { u64::MAX } else { 200 }),
            seconds: number("--seconds", u64::MAX),
            threads: usize::try_from(number("--threads", 4)).unwrap(),
            kinds: given("--kinds").map(|k| k.split(',').map(str::to_owned).collect()).unwrap_or_default(),
            found: given("--found").map(PathBuf::from),
            case: given("--case").map(PathBuf::from),
            shrink: !arguments.iter().any(|a| a == "--no-shrink"),
            tolerated: usize::try_from(number("--tolerate", 0)).unwrap(),
        }
    }
}

/// What a run found.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    known: usize,
    unsettled: usize,
    unstable: usize,
    steps: usize,
    accepted: usize,
    causes: BTreeMap<String, usize>,
}

struct Run<'a> {
    options: &'a Options,
    version: Version,
    git_version: String,
    namespaces: AtomicU64,
    tally: Mutex<Tally>,
}

/// What came of sending a sequence to both sides.
struct Outcome {
    theirs: Vec<Answer>,
    found: Vec<Disagreement>,
    settled: bool,
}

impl Run<'_> {
    /// Sends steps to both sides until they disagree.
    fn both(&self, server: &Server, kind: &'static Kind, steps: &[Value], later: &[u64]) -> Outcome {
        let number = self.namespaces.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("zq{:x}z{number:x}", self.options.seed);
        server.make_namespace(&namespace);
        let mut ours = Ours::new(self.version, kind, &namespace);
        let mut before = (Answer::default(), Answer::default());
        let mut outcome = Outcome { theirs: Vec::new(), found: Vec::new(), settled: true };
        for step in steps {
            if step["path"].as_str().is_some_and(|path| path.ends_with("/scale")) {
                // A write of the status that comes after it makes two entries of its manager one.
                server.wait_until_quiet(kind, &namespace);
            }
            if kind.name == "ClusterRole" && step["method"] == "DELETE" {
                // The aggregation controller applies, and so makes a role again that went meanwhile.
                std::thread::sleep(Duration::from_millis(400));
            }
            let Some(mut theirs) = server.send(kind, step, &namespace) else {
                outcome.settled = false;
                break;
            };
            let mut mine = ours.send(step);
            for answer in [&mut theirs, &mut mine] {
                answer.message = answer.message.replace(&namespace, "{ns}");
            }
            outcome.found = disagreements(&theirs, &mine, (&before.0, &before.1));
            for pause in later {
                if !outcome.found.iter().any(|d| d.may_pass) {
                    break;
                }
                std::thread::sleep(Duration::from_millis(*pause));
                theirs.stored = server.settled(kind, &namespace).unwrap_or(theirs.stored);
                outcome.found = disagreements(&theirs, &mine, (&before.0, &before.1));
            }
            outcome.theirs.push(recordable(&theirs, &namespace));
            if !outcome.found.is_empty() {
                break;
            }
            before = (theirs, mine);
        }
        server.remove(kind, &namespace);
        outcome
    }

    fn one(&self, server: &Server, seed: u64) {
        let sequence = sequence::sequence(self.version, seed, &self.options.kinds, "drawn-namespace");
        let outcome = self.both(server, sequence.kind, &sequence.steps, &LATER);
        let sent = outcome.theirs.len();
        {
            let mut tally = self.tally.lock().unwrap();
            tally.steps += sent;
            tally.accepted += outcome.theirs.iter().filter(|a| a.code < 400).count();
            if !outcome.settled {
                tally.unsettled += 1;
                let step = &sequence.steps[sent];
                println!("seed {seed}: {} does not settle after step {sent}: {step}", sequence.kind.name);
                return;
            }
            let Some(_) = outcome.found.first() else {
                tally.passed += 1;
                return;
            };
        }
        let cause = format!("{} {}", sequence.kind.name, outcome.found[0].cause);
        let steps = sequence.steps[..sent].to_vec();
        let again = self.both(server, sequence.kind, &steps, &LATER);
        if again.found.first().map(|d| &d.cause) != Some(&outcome.found[0].cause) {
            self.tally.lock().unwrap().unstable += 1;
            println!("seed {seed}: not again: {cause}: {}", outcome.found[0].text);
            return;
        }
        let seen = {
            let mut tally = self.tally.lock().unwrap();
            let count = tally.causes.entry(cause.clone()).or_default();
            *count += 1;
            let seen = *count > SHRUNK_OF_A_CAUSE;
            if let Some(known) = known::known(sequence.kind.name, &outcome.found[0]) {
                tally.known += 1;
                println!("seed {seed}: known: {cause}: {}", known.why);
                return;
            }
            tally.failed += 1;
            seen
        };
        if seen {
            println!("seed {seed}: again {cause}");
            return;
        }
        let steps = if self.options.shrink {
            shrink::shrink(steps, &mut |fewer| {
                self.both(server, sequence.kind, fewer, &LATER_WHEN_SHRINKING).found.iter().any(|d| d.cause == outcome.found[0].cause)
            })
        } else {
            steps
        };
        self.show(server, sequence.kind, seed, &cause, &steps);
    }

    /// Sends the steps of recorded cases.
    fn cases(&self, server: &Server, file: &Path) {
        let recorded: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        for case in recorded["cases"].as_array().unwrap() {
            let steps = case["steps"].as_array().unwrap();
            let first = steps[0]["path"].as_str().unwrap_or_default();
            let of_version = |k: &&kinds::Kind| case["kind"] == k.name && first.contains(k.api_version);
            let kind = kinds::KINDS.iter().find(of_version).expect("a kind that is drawn");
            let outcome = self.both(server, kind, steps, &LATER);
            let failed = !outcome.settled || !outcome.found.is_empty();
            let mut tally = self.tally.lock().unwrap();
            *(if failed { &mut tally.failed } else { &mut tally.passed }) += 1;
            drop(tally);
            if failed {
                self.show(server, kind, case["seed"].as_u64().unwrap_or_default(), &case["name"].to_string(), steps);
            }
        }
    }

    fn show(&self, server: &Server, kind: &'static Kind, seed: u64, cause: &str, steps: &[Value]) {
        let last = self.both(server, kind, steps, &LATER);
        let mut text = format!("\nseed {seed}: {cause}\n");
        for step in steps {
            text += &format!("    {} {} {} {} {}\n", step["method"], step["path"], step["content_type"], step["query"], step["body"]);
        }
        for d in &last.found {
            text += &format!("    => {}\n", d.text);
        }
        println!("{text}");
        if let Some(folder) = &self.options.found {
            self.record(folder, kind, seed, steps, &last.theirs);
        }
    }

    /// Writes a case in the form of the recordings.
    fn record(&self, folder: &Path, kind: &Kind, seed: u64, steps: &[Value], answers: &[Answer]) {
        let mut before: Option<&Value> = None;
        let mut recorded = Vec::new();
        for (step, answer) in steps.iter().zip(answers) {
            let mut step = step.clone();
            step["code"] = answer.code.into();
            if answer.code >= 400 {
                step["reason"] = answer.reason.clone().into();
                step["message"] = answer.message.clone().into();
            }
            let dry = step["query"].get("dryRun").is_some();
            let object = if dry { &answer.object } else { &answer.stored };
            if let Some(object) = object {
                let (mut object, owners) = normalised(object);
                object["metadata"]["managedFields"] = owners.into();
                step["object"] = object;
            }
            if let Some(after) = &answer.stored {
                let moved = !dry && before.is_none_or(|b| revision(b) != revision(after)) && kind.has_revisions();
                step["rolls"] = i32::from(moved).into();
                step["first"] = before.is_none().into();
            }
            before = answer.stored.as_ref();
            recorded.push(step);
        }
        let name = format!("{}-{seed}", kind.name.to_lowercase());
        let case = json!({"kubernetes": self.git_version, "cases": [{"name": name, "seed": seed, "kind": kind.name, "steps": recorded}]});
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join(format!("{name}.json")), serde_json::to_string_pretty(&case).unwrap() + "\n").unwrap();
    }
}

/// An answer that would be the same in another namespace.
fn recordable(answer: &Answer, namespace: &str) -> Answer {
    let value = |v: &Option<Value>| v.as_ref().map(|v| serde_json::from_str(&v.to_string().replace(namespace, "{ns}")).unwrap());
    Answer {
        message: answer.message.replace(namespace, "{ns}"),
        object: value(&answer.object),
        stored: value(&answer.stored),
        ..answer.clone()
    }
}

fn main() {
    let options = Options::read();
    let git_version = Server::new(&options.server).version();
    let (version, _) = Version::nearest(&git_version).expect("a version that is known");
    println!(
        "server {git_version}, seed {}: `tests/differential/run.sh --kubernetes {} --seed {} --sequences N` draws the same",
        options.seed,
        git_version.trim_start_matches('v'),
        options.seed
    );
    let began = Instant::now();
    let run =
        Run { options: &options, version, git_version, namespaces: AtomicU64::new(began_number()), tally: Mutex::new(Tally::default()) };
    if let Some(file) = &options.case {
        run.cases(&Server::new(&options.server), file);
        return finish(&options, run, began);
    }
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..options.threads {
            scope.spawn(|| {
                let server = Server::new(&options.server);
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= options.sequences || began.elapsed().as_secs() >= options.seconds {
                        return;
                    }
                    run.one(&server, options.seed + number);
                }
            });
        }
    });
    finish(&options, run, began);
}

/// Says what came of a run, and ends the program with it.
fn finish(options: &Options, run: Run<'_>, began: Instant) {
    let tally = run.tally.into_inner().unwrap();
    println!();
    for (cause, count) in &tally.causes {
        println!("{count:5}  {cause}");
    }
    println!(
        "{} sequences, {} steps, {} accepted; {} unsettled, {} unstable; {:.0} s",
        tally.passed + tally.failed + tally.known + tally.unsettled + tally.unstable,
        tally.steps,
        tally.accepted,
        tally.unsettled,
        tally.unstable,
        began.elapsed().as_secs_f64()
    );
    let sent = tally.passed + tally.failed + tally.known;
    let tolerated = if tally.failed * 1000 <= options.tolerated * sent { tally.failed } else { 0 };
    let failed = tally.failed - tolerated;
    let verdict = if failed == 0 { "ok" } else { "FAILED" };
    println!(
        "test result: {verdict}. {} passed; {failed} failed; {} known, {tolerated} tolerated, from seed {}",
        tally.passed, tally.known, options.seed
    );
    if failed > 0 {
        std::process::exit(1);
    }
}

/// Runs of one seed must not meet in a namespace.
fn began_number() -> u64 {
    u64::from(std::process::id()) << 20
}
