//! Programs that would lead a script to a real cluster become shell scripts that stand before them on PATH.
//!
//! Those that fetch credentials of a cluster do nothing and succeed, and note that they were called; kubectl and helm refuse options
//! that name another server than the shadow.

use crate::diagnostic::Diagnostic;
use crate::report::Stub;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Programs that fetch credentials of a cluster, with the words that make them do so; without words, whatever they are called with.
const FETCH: [(&str, &str); 14] = [
    ("aws", "eks update-kubeconfig"),
    ("az", "aks get-credentials"),
    ("civo", "kubernetes config"),
    ("doctl", "kubernetes cluster kubeconfig"),
    ("eksctl", "utils write-kubeconfig"),
    ("gcloud", "container clusters get-credentials"),
    ("gcloud", "container fleet memberships get-credentials"),
    ("ibmcloud", "ks cluster config"),
    ("kind", "export kubeconfig"),
    ("kubelogin", ""),
    ("minikube", "update-context"),
    ("oci", "ce cluster create-kubeconfig"),
    ("scw", "k8s kubeconfig install"),
    ("tsh", "kube login"),
];

/// Clients, and their options that name a server or a file that does.
const CLIENTS: [(&str, &[&str], &[&str]); 2] =
    [("kubectl", &["--kubeconfig", "--server", "-s"], &["-shttp*"]), ("helm", &["--kubeconfig", "--kube-apiserver"], &[])];

/// What is to be replaced.
pub(super) struct Wanted<'w> {
    /// Programs named with `--stub`.
    pub(super) stubs: &'w [String],
    /// Programs named with `--allow`.
    pub(super) allowed: &'w [String],
    /// The caller's PATH.
    pub(super) path: &'w str,
    /// The kubeconfig that was made.
    pub(super) kubeconfig: &'w Path,
    /// The shadows: `http://127.0.0.1:40001`.
    pub(super) servers: &'w [String],
}

/// Checks names given with `--stub` and `--allow`.
pub(super) fn check(stubs: &[String], allowed: &[String]) -> Result<(), Diagnostic> {
    if let Some(name) = stubs.iter().find(|n| n.is_empty() || n.contains('/') || n.starts_with('.')) {
        return Err(Diagnostic::error("stub", format!("`{name}` is no program's name")).hint("`--stub docker`"));
    }
    let known = |name: &String| FETCH.iter().any(|f| f.0 == name) || CLIENTS.iter().any(|c| c.0 == name);
    match allowed.iter().find(|name| !known(name)) {
        None => Ok(()),
        Some(name) => {
            let mut all: Vec<&str> = FETCH.iter().map(|f| f.0).chain(CLIENTS.iter().map(|c| c.0)).collect();
            all.dedup();
            let error = Diagnostic::error("stub", format!("`{name}` is not replaced, so it cannot be allowed"));
            Err(error.hint(format!("these are: {}", all.join(", "))))
        }
    }
}

/// Writes the scripts into `bin`; calls are noted in `log`.
pub(super) fn write(bin: &Path, log: &Path, wanted: &Wanted<'_>) -> io::Result<()> {
    let stubbed = |name: &str| wanted.stubs.iter().any(|s| s == name);
    let kept = |name: &str| wanted.allowed.iter().any(|a| a == name) || stubbed(name);
    let mut scripts: BTreeMap<&str, String> = BTreeMap::new();
    for (program, words) in FETCH.iter().filter(|(program, _)| !kept(program)) {
        scripts.entry(program).or_default().push_str(&fetching(program, words, log));
    }
    for (program, script) in &mut scripts {
        match found(program, wanted.path) {
            Some(real) => script.push_str(&format!("exec {} \"$@\"\n", quoted(&real.to_string_lossy()))),
            None => script.push_str(&format!("echo {} >&2\nexit 127\n", quoted(&format!("{program}: not found")))),
        }
    }
    for (program, options, prefixes) in CLIENTS.iter().filter(|(program, ..)| !kept(program)) {
        if let Some(real) = found(program, wanted.path) {
            scripts.insert(program, client(program, &real, (options, prefixes), wanted));
        }
    }
    for name in wanted.stubs {
        scripts.insert(name, format!("{}exit 0\n", note(name, log)));
    }
    fs::create_dir_all(bin)?;
    for (program, script) in scripts {
        let file = bin.join(program);
        fs::write(&file, format!("#!/bin/sh\n{script}"))?;
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    }
    Ok(())
}

/// Those that were called, and how often.
pub(super) fn called(log: &Path) -> Vec<Stub> {
    let mut calls: BTreeMap<String, u32> = BTreeMap::new();
    for line in fs::read_to_string(log).unwrap_or_default().lines() {
        *calls.entry(line.to_owned()).or_default() += 1;
    }
    calls.into_iter().map(|(command, calls)| Stub { command, calls }).collect()
}

/// The arguments are not noted: they may hold secrets.
fn note(command: &str, log: &Path) -> String {
    format!("echo {} >> {}\n", quoted(command), quoted(&log.to_string_lossy()))
}

/// Succeeds if the words stand in this order among the arguments, whatever options stand between them.
fn fetching(program: &str, words: &str, log: &Path) -> String {
    let count = words.split_whitespace().count();
    let mut script = String::from("n=0\nfor a in \"$@\"; do case $n:$a in");
    for (index, word) in words.split_whitespace().enumerate() {
        script.push_str(&format!(" {index}:{word}) n={};;", index + 1));
    }
    let command = format!("{program} {words}");
    script.push_str(&format!(" esac; done\nif [ $n -eq {count} ]; then\n{}exit 0\nfi\n", note(command.trim_end(), log)));
    script
}

/// Refuses options that lead elsewhere; whatever the script made of the environment, the client finds the shadow.
fn client(program: &str, real: &Path, (options, prefixes): (&[&str], &[&str]), wanted: &Wanted<'_>) -> String {
    let kubeconfig = quoted(&wanted.kubeconfig.to_string_lossy());
    let ours: Vec<String> = wanted.servers.iter().map(|s| quoted(s)).chain([kubeconfig.clone()]).collect();
    let with_value: Vec<String> = options.iter().map(|o| format!("{o}=*")).chain(prefixes.iter().map(|p| (*p).to_owned())).collect();
    let why = format!(
        "rollcast: {program} was called with $1, which can lead to another cluster than the rehearsed one; leave it out, or rehearse with --allow {program}"
    );
    // Which of several clusters a kubeconfig of the script's own stands for is not known.
    let own = if wanted.servers.len() > 1 { "refuse KUBECONFIG" } else { ":" };
    format!(
        r#"refuse() {{ echo "{why}" >&2; exit 1; }}
ours() {{ case $1 in {ours}) ;; *) refuse "$2";; esac; }}
option=
for a in "$@"; do
  if [ -n "$option" ]; then ours "$a" "$option"; option=; continue; fi
  case $a in
    --) break;;
    {options}) option=$a;;
    {with_value}) ours "${{a#*=}}" "${{a%%[=h]*}}";;
  esac
done
[ "$KUBECONFIG" = {kubeconfig} ] || {own}
unset HELM_KUBEAPISERVER HELM_KUBETOKEN HELM_KUBECAFILE KUBERNETES_MASTER KUBERNETES_SERVICE_HOST
KUBECONFIG={kubeconfig}
export KUBECONFIG
exec {real} "$@"
"#,
        ours = ours.join("|"),
        options = options.join("|"),
        with_value = with_value.join("|"),
        real = quoted(&real.to_string_lossy()),
    )
}

/// The program that a shell would find.
fn found(program: &str, path: &str) -> Option<PathBuf> {
    let runs = |file: &PathBuf| fs::metadata(file).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0);
    std::env::split_paths(path).filter(|folder| folder.is_absolute()).map(|folder| folder.join(program)).find(runs)
}

/// One word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::{Wanted, called, check, write};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::process::Command;

    #[test]
    fn credentials_are_not_fetched_and_clients_are_not_led_away() {
        let folder = tempfile::tempdir().unwrap();
        let (real, bin, log) = (folder.path().join("real"), folder.path().join("it's bin"), folder.path().join("log"));
        fs::create_dir(&real).unwrap();
        for program in ["gcloud", "kubectl", "helm", "docker"] {
            let file = real.join(program);
            fs::write(&file, "#!/bin/sh\necho real $KUBECONFIG \"$@\"\n").unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let wanted = Wanted {
            stubs: &["docker".into()],
            allowed: &[],
            path: real.to_str().unwrap(),
            kubeconfig: "/made".as_ref(),
            servers: &["http://127.0.0.1:9".into()],
        };
        write(&bin, &log, &wanted).unwrap();
        for (line, code, out) in [
            ("gcloud --project p container clusters --zone z get-credentials c", 0, ""),
            ("gcloud compute instances list", 0, "real compute instances list\n"),
            ("kubelogin convert-kubeconfig -l secret", 0, ""),
            ("doctl kubernetes cluster list", 127, ""),
            ("docker push x", 0, ""),
            ("kubectl get pods -n shop", 0, "real /made get pods -n shop\n"),
            ("kubectl apply --server-side -f x --server-print=false", 0, "real /made apply --server-side -f x --server-print=false\n"),
            ("kubectl --kubeconfig /made get pods", 0, "real /made --kubeconfig /made get pods\n"),
            ("kubectl --kubeconfig=/made get pods", 0, "real /made --kubeconfig=/made get pods\n"),
            ("kubectl --server=http://127.0.0.1:9 get", 0, "real /made --server=http://127.0.0.1:9 get\n"),
            ("kubectl --kubeconfig /other get pods", 1, ""),
            ("kubectl -shttps://prod get pods", 1, ""),
            ("kubectl -s https://prod get pods", 1, ""),
            ("kubectl --server=https://prod get pods", 1, ""),
            ("kubectl exec p -- curl -s https://x", 0, "real /made exec p -- curl -s https://x\n"),
            ("helm template . -s templates/a.yaml", 0, "real /made template . -s templates/a.yaml\n"),
            ("helm --kube-apiserver https://prod ls", 1, ""),
        ] {
            let mut words = line.split(' ');
            let mut command = Command::new(bin.join(words.next().unwrap()));
            let ended = command.args(words).env("KUBECONFIG", "").output().unwrap();
            let said = String::from_utf8(ended.stderr).unwrap();
            assert_eq!(
                (ended.status.code(), String::from_utf8(ended.stdout).unwrap().replace("real  ", "real ").as_str()),
                (Some(code), out),
                "{line}: {said}"
            );
            assert_eq!(said.contains("another cluster"), code == 1, "{line}: {said}");
            assert!(!said.contains("prod"), "{said}");
        }
        let calls: Vec<String> = called(&log).into_iter().map(|s| format!("{} {}", s.command, s.calls)).collect();
        assert_eq!(calls, ["docker 1", "gcloud container clusters get-credentials 1", "kubelogin 1"]);
    }

    #[test]
    fn names_are_checked() {
        assert!(check(&["a/b".into()], &[]).is_err());
        assert!(check(&[], &["docker".into()]).is_err());
        assert!(check(&["docker".into()], &["gcloud".into(), "kubectl".into()]).is_ok());
    }
}
