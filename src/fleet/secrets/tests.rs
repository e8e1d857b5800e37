//! What is a secret and what is none. Every value was made up for these tests; they are put together here, so that no scanner
//! takes this file for a leak.

use super::{RULES, rules, scan};
use std::collections::BTreeSet;

/// Characters that look random, always the same: letters of a set, so many of them.
fn random(set: &str, length: usize, seed: u64) -> String {
    let set: Vec<char> = set.chars().collect();
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        set[(state >> 33) as usize % set.len()]
    };
    (0..length).map(|_| next()).collect()
}

const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const ALL: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const UPPER32: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &str = "0123456789abcdef";

/// A rule, a line in which it must be found, and the secret in that line.
fn secrets() -> Vec<(&'static str, String, String)> {
    let with = |rule: &'static str, before: &str, secret: String, after: &str| (rule, format!("{before}{secret}{after}"), secret);
    let r = random;
    vec![
        with("private-key", "", "-----BEGIN ".to_owned() + "RSA PRIVATE KEY-----", "\\nMIIE"),
        with("private-key", "key = \"", "-----BEGIN ".to_owned() + "OPENSSH PRIVATE KEY-----", ""),
        with("aws-access-key", "\"accessKeyId\": \"", format!("AKIA{}", r(UPPER32, 16, 1)), "\","),
        with("aws-secret-key", "aws_secret_access_key = ", r(ALL, 40, 2), ""),
        with("aws-secret-key", "\"awsSecretKey\": \"", r(ALL, 40, 3), "\""),
        with("aws-bedrock-key", "X=", format!("ABSK{}", r(ALL, 100, 4)), ""),
        with("gcp-api-key", "key: ", format!("AIza{}", r(ALL, 35, 5)), ""),
        with("gcp-service-account", "  \"private_key_id\": \"", r(HEX, 40, 6), "\","),
        with("gcp-oauth", "x = \"", format!("GOCSPX-{}", r(ALL, 28, 7)), "\""),
        with("azure-storage-key", "AccountName=a;AccountKey=", format!("{}==", r(ALL, 86, 8)), ";"),
        with("github-token", "git clone https://", format!("ghp_{}", r(ALL, 36, 9)), " x"),
        with("github-token", "x: ", format!("github_pat_{}_{}", r(ALL, 22, 10), r(ALL, 59, 11)), ""),
        with("gitlab-token", "x: ", format!("glpat-{}", r(ALL, 20, 12)), ""),
        with("slack-token", "x: ", format!("xoxb-{}-{}-{}", r("0123456789", 12, 13), r("0123456789", 12, 14), r(ALL, 24, 15)), ""),
        with(
            "slack-token",
            "url: https://",
            format!("hooks.slack.com/services/T{}/B{}/{}", r(UPPER32, 8, 16), r(UPPER32, 8, 17), r(ALL, 24, 18)),
            "",
        ),
        with("openai-key", "x: ", format!("sk-proj-{}", r(ALL, 48, 19)), ""),
        with("openai-key", "x: ", format!("sk-{}T3BlbkFJ{}", r(ALL, 20, 20), r(ALL, 20, 21)), ""),
        with("anthropic-key", "ANTHROPIC_API_KEY = \"", format!("sk-ant-api03-{}", r(ALL, 93, 22)), "\""),
        with("model-provider-key", "x: ", format!("gsk_{}", r(ALL, 52, 23)), ""),
        with("model-provider-key", "x: ", format!("hf_{}", r(LETTERS, 34, 24)), ""),
        with("search-provider-key", "x: ", format!("tvly-dev-{}", r(ALL, 32, 25)), ""),
        with("stripe-key", "x: ", format!("sk_live_{}", r(ALL, 24, 26)), ""),
        with("package-registry-token", "//registry.npmjs.org/:_authToken=", format!("npm_{}", r(ALL, 36, 27)), ""),
        with("cloud-token", "x: ", format!("hvs.{}", r(ALL, 24, 28)), ""),
        with("mail-token", "x: ", format!("SG.{}.{}", r(ALL, 22, 29), r(ALL, 43, 30)), ""),
        with("chat-bot-token", "x: ", format!("{}:AA{}", "734512986", r(ALL, 33, 31)), ""),
        with("nats-seed", "x: ", format!("SUA{}", r(UPPER32, 55, 32)), ""),
        with("age-key", "# ", format!("AGE-SECRET-KEY-1{}", r("QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L", 58, 33)), ""),
        with("jwt", "x: ", format!("eyJ{}.eyJ{}.{}", r(ALL, 30, 34), r(ALL, 60, 35), r(ALL, 43, 36)), ""),
        with("url-password", "DATABASE_URL = \"postgres://app:", "Tr4p-door7".to_owned(), "@db:5432/app\""),
        with("url-password", "redis://:", r(ALL, 16, 37), "@cache:6379"),
        with("bearer-token", "\"Authorization\": \"Bearer ", r(ALL, 40, 38), "\""),
        with("assigned-secret", "DB_PASSWORD = \"", "kX9-vr2T.q8Lm".to_owned(), "\""),
        with("assigned-secret", "\"apiKey\": \"", r(HEX, 32, 39), "\""),
        with("assigned-secret", "token=", r(ALL, 24, 40), " next"),
    ]
}

/// What looks a little like a secret and is none.
const HARMLESS: &[&str] = &[
    "TOKEN = { secret = \"anthropic-credentials\", key = \"api-key\" }",
    "secret = \"agent-ceo-credentials-v2\"",
    "secretName: git-ssh-key-2024",
    "password = \"${DB_PASSWORD}\"",
    "password: \"{{ .Values.password }}\"",
    "api_key = \"YOUR_API_KEY_HERE_123456\"",
    "aws_access_key_id = AKIAIOSFODNN7EXAMPLE",
    "max_tokens = 200000",
    "\"max_tokens\": 64000, \"token_budget\": 1500000",
    "tokenizer = \"cl100k_base\"",
    "token_file = \"/var/run/secrets/kubernetes.io/serviceaccount/token\"",
    "image = \"registry/agent@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\"",
    "agent = \"gcr.io/genbrain/agent-cli:4f6e2c1b8a7d3e9f0c5b6a7d8e9f0a1b2c3d4e5f\"",
    "url = \"https://user@example.com/path:80\"",
    "nats://nats.messaging:4222",
    "http://localhost:8080/a@b",
    "-----BEGIN PUBLIC KEY-----",
    "-----BEGIN CERTIFICATE-----",
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7m0lJYc8cV5q1x9n2u3w4y5z6A7B8C9D0E1F2G3H4I user@host",
    "The bearer of this letter is authorised to act for the company",
    "Never print a token, a password or an API key.",
    "AUTH_TOKEN_EXPIRY = \"2026-11-21T18:00:00Z\"",
    "secret_rotation = \"90d\"",
    "model = \"claude-sonnet-4-5-20250929\"",
    "password_policy: minimum-length-16",
    "sk-learn-and-other-packages-are-installed",
    "task-anthropic-sk-ant-colony",
    "key-value-store-with-a-long-name-in-it",
    "checksum = \"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
    "credentials = { secret = \"mcp-github\", key = \"token\" }",
];

#[test]
fn secrets_are_found_where_they_stand() {
    for (rule, line, secret) in secrets() {
        let text = format!("# first line\n{line}\nlast");
        let found = scan(&text);
        let start = text.find(&secret).unwrap();
        assert!(found.iter().any(|f| f.rule == rule && f.range.start == start), "{rule}: {line}: {found:?}");
        assert_eq!(found.len(), 1, "{line}: {found:?}");
    }
}

#[test]
fn every_rule_has_a_secret_that_it_finds() {
    let tried: BTreeSet<&str> = secrets().into_iter().map(|(rule, ..)| rule).collect();
    assert_eq!(rules().filter(|r| !tried.contains(r)).collect::<Vec<_>>(), Vec::<&str>::new());
    for rule in &RULES.rules {
        assert!(rule.pattern.captures_len() <= 2 && !rule.table.about.is_empty(), "{}", rule.table.id);
    }
}

#[test]
fn what_is_none_is_left_alone() {
    let wrong: Vec<_> = HARMLESS.iter().filter_map(|line| Some((line, scan(line).first()?.rule))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// One line of a megabyte with a secret at its end, as a bundler writes it.
#[test]
fn a_long_line_is_read_to_its_end() {
    let secret = format!("glpat-{}", random(ALL, 20, 50));
    let text = format!("{}\"{secret}\"", "\"token\": 1, ".repeat(100_000));
    let found = scan(&text);
    assert_eq!(found.iter().map(|f| (f.rule, &text[f.range.clone()])).collect::<Vec<_>>(), [("gitlab-token", secret.as_str())]);
}
