//! A tag becomes the digest that it stands for, as its registry says: the OCI distribution protocol, of which this needs a HEAD for
//! a manifest, a list of tags, and whatever the registry asks for as proof of who is asking.
//!
//! Follows the OCI distribution specification 1.1 and the token protocol of `distribution/distribution`.

mod challenge;
pub mod credentials;

use super::reference::Reference;
use crate::object::{Value, items, text};
use challenge::Challenge;
use credentials::{Credential, Credentials};
use http::header::{ACCEPT, AUTHORIZATION, LINK, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{Method, Request, Response, StatusCode, Uri};
use kube::Client;
use kube::client::Body;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

/// What a manifest may be: an index of several platforms first, whose digest is the one to pin to.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/// How many tags one page has.
const PAGE: usize = 1000;
/// How many pages of tags are read at most.
const PAGES: usize = 100;
/// How many redirects are followed.
const REDIRECTS: usize = 5;

/// The proxy for an address; none if it is reached directly.
pub type ProxyFor = Box<dyn Fn(&Uri) -> Option<Uri> + Send + Sync>;

/// How registries are asked.
pub struct Options {
    /// Who we are.
    pub credentials: Credentials,
    /// Registries that speak plain HTTP, beside those on the loopback.
    pub plain_http: Vec<String>,
    /// How long one answer may take.
    pub timeout: Duration,
    /// How often a request is sent at most where the registry is busy.
    pub tries: u32,
    /// The first pause between tries; each next one is twice as long.
    pub pause: Duration,
    /// The longest pause, also where the registry asks for more.
    pub longest: Duration,
    /// Proxies.
    pub proxy: ProxyFor,
}

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failed {
    /// It never answered: no network, no such host, a time-out.
    Unreachable,
    /// It does not know who asks, or does not let them.
    Denied,
    /// There is no such repository or tag.
    Missing,
    /// It was busy or broken however often it was asked.
    Busy,
    /// What it answered makes no sense.
    Odd,
}

/// Why a registry gave no answer that helps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryError {
    /// Which kind.
    pub kind: Failed,
    /// What happened, with the registry's name.
    pub text: String,
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

type Answered<T> = Result<T, RegistryError>;

/// Registries, asked one after the other. Tokens are kept for the repository that they were given for.
pub struct Registries {
    options: Options,
    clients: BTreeMap<String, Client>,
    /// The `Authorization` that a repository of a registry last took.
    granted: BTreeMap<(String, String), String>,
}

impl Registries {
    /// Nothing is sent yet.
    pub fn new(options: Options) -> Self {
        Self { options, clients: BTreeMap::new(), granted: BTreeMap::new() }
    }

    /// The digest of what a reference names; its own where it has one.
    ///
    /// # Errors
    /// The registry does not answer, does not let us, or does not have it.
    pub async fn digest(&mut self, reference: &Reference<'_>) -> Answered<String> {
        if let Some(digest) = reference.digest {
            return Ok(digest.to_owned());
        }
        let path = format!("/v2/{}/manifests/{}", reference.path(), reference.tag.unwrap_or("latest"));
        let answer = self.ask(reference, Method::HEAD, &path).await?;
        if let Some(digest) = digest_of(&answer) {
            return Ok(digest);
        }
        // Some registries leave the header out, or know no HEAD.
        let answer = self.ask(reference, Method::GET, &path).await?;
        let told = digest_of(&answer);
        let host = host(reference);
        let bytes = answer.into_body().collect_bytes().await.map_err(|e| unreachable(&host, &e))?;
        let own = Sha256::digest(&bytes).iter().fold(String::from("sha256:"), |mut text, byte| {
            write!(text, "{byte:02x}").expect("writing to a string cannot fail");
            text
        });
        Ok(told.unwrap_or(own))
    }

    /// Every tag of a repository.
    ///
    /// # Errors
    /// As for a digest.
    pub async fn tags(&mut self, reference: &Reference<'_>) -> Answered<Vec<String>> {
        let host = host(reference);
        let (mut tags, mut path) = (Vec::new(), format!("/v2/{}/tags/list?n={PAGE}", reference.path()));
        for _ in 0..PAGES {
            let answer = self.ask(reference, Method::GET, &path).await?;
            let next = answer.headers().get(LINK).and_then(|l| l.to_str().ok()).and_then(next_page);
            let bytes = answer.into_body().collect_bytes().await.map_err(|e| unreachable(&host, &e))?;
            let odd = |e| RegistryError { kind: Failed::Odd, text: format!("{host}: the list of tags is not JSON: {e}") };
            let page: Value = serde_json::from_slice(&bytes).map_err(odd)?;
            tags.extend(items(&page, &["tags"]).iter().filter_map(Value::as_str).map(str::to_owned));
            match next {
                Some(next) => path = next,
                None => break,
            }
        }
        Ok(tags)
    }

    /// Asks, with what the registry wants to see as proof: first with what it took before, then with what it asks for.
    async fn ask(&mut self, reference: &Reference<'_>, method: Method, path: &str) -> Answered<Response<Body>> {
        let host = host(reference);
        let base = self.base(&host);
        let about = (host.clone(), reference.path());
        let granted = self.granted.get(&about).cloned();
        let answer = self.patiently(&base, &method, path, granted.as_deref()).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return judged(answer, reference, None).await;
        }
        let credential = self.options.credentials.of(&host).await.map_err(|text| RegistryError { kind: Failed::Denied, text })?;
        let challenges: Vec<Challenge> = answer.headers().get_all(WWW_AUTHENTICATE).iter().filter_map(challenge::read).collect();
        let Some(proof) = self.proof(&host, &challenges, reference, credential.as_ref()).await? else {
            return judged(answer, reference, credential.as_ref()).await;
        };
        let answer = self.patiently(&base, &method, path, Some(&proof)).await?;
        if answer.status() == StatusCode::UNAUTHORIZED {
            return judged(answer, reference, credential.as_ref()).await;
        }
        self.granted.insert(about, proof);
        judged(answer, reference, credential.as_ref()).await
    }

    /// What answers a challenge; none if there is nothing to answer with.
    async fn proof(
        &mut self,
        host: &str,
        challenges: &[Challenge],
        reference: &Reference<'_>,
        credential: Option<&Credential>,
    ) -> Answered<Option<String>> {
        if let Some(bearer) = challenges.iter().find(|c| c.scheme == "bearer") {
            return self.token(host, bearer, reference, credential).await.map(|token| Some(format!("Bearer {token}")));
        }
        let basic = challenges.iter().any(|c| c.scheme == "basic");
        Ok(credential.filter(|_| basic).and_then(Credential::basic))
    }

    /// A token from the service that the registry names.
    async fn token(&mut self, host: &str, bearer: &Challenge, reference: &Reference<'_>, own: Option<&Credential>) -> Answered<String> {
        let odd = |text: String| RegistryError { kind: Failed::Odd, text: format!("{host}: {text}") };
        let realm: Uri = bearer
            .of("realm")
            .parse()
            .map_err(|_| odd(format!("it sends to `{}` for a token, which is no address", bearer.of("realm"))))?;
        let (Some(scheme), Some(authority)) = (realm.scheme_str(), realm.authority()) else {
            return Err(odd(format!("it sends to `{realm}` for a token, which is no whole address")));
        };
        let base = format!("{scheme}://{authority}");
        // A password must not travel in the open because a registry says so.
        if scheme != "https" && own.is_some() && !self.plain(authority.as_str()) {
            return Err(odd(format!("it sends to `{base}` for a token, and a password would go there unencrypted")));
        }
        let scope = match bearer.of("scope") {
            "" => format!("repository:{}:pull", reference.path()),
            scope => scope.to_owned(),
        };
        let (mut path, query) = (realm.path().to_owned(), realm.query().map(str::to_owned));
        let own_service = bearer.of("service");
        let mut pairs: Vec<String> = query.into_iter().collect();
        if !own_service.is_empty() {
            pairs.push(format!("service={}", in_query(own_service)));
        }
        pairs.push(format!("scope={}", in_query(&scope)));
        path += &format!("?{}", pairs.join("&"));
        let answer = match own.and_then(Credential::identity_token) {
            Some(refresh) => {
                let form = format!("grant_type=refresh_token&client_id=rollcast&{}&refresh_token={}", pairs.join("&"), in_query(refresh));
                self.post(&base, realm.path(), form).await?
            }
            None => self.patiently(&base, &Method::GET, &path, own.and_then(Credential::basic).as_deref()).await?,
        };
        let status = answer.status();
        let bytes = answer.into_body().collect_bytes().await.map_err(|e| unreachable(host, &e))?;
        if !status.is_success() {
            let who = own
                .map_or_else(|| format!("there are no credentials for {host}"), |c| format!("the credentials {} were not taken", c.from));
            let kind = if status.is_server_error() || status == 429 { Failed::Busy } else { Failed::Denied };
            return Err(RegistryError {
                kind,
                text: format!("{host} gives no token for `{}` ({}): {who}", reference.path(), status.as_u16()),
            });
        }
        let told: Value = serde_json::from_slice(&bytes).map_err(|e| odd(format!("the token it sends is not JSON: {e}")))?;
        let token = [text(&told, &["token"]), text(&told, &["access_token"])].into_iter().find(|t| !t.is_empty());
        token.map(str::to_owned).ok_or_else(|| odd("its answer holds no token".to_owned()))
    }

    async fn post(&mut self, base: &str, path: &str, form: String) -> Answered<Response<Body>> {
        let request = Request::post(path).header("Content-Type", "application/x-www-form-urlencoded").body(Body::from(form.into_bytes()));
        let request = request.map_err(|e| RegistryError { kind: Failed::Odd, text: format!("{base}{path} is no address: {e}") })?;
        self.send(base, request).await
    }

    /// Sends a request again where the registry is busy, and follows redirects.
    async fn patiently(&mut self, base: &str, method: &Method, path: &str, proof: Option<&str>) -> Answered<Response<Body>> {
        let (mut pause, mut tries, mut redirects) = (self.options.pause, 1, 0);
        let (mut base, mut path, mut proof) = (base.to_owned(), path.to_owned(), proof);
        loop {
            let mut request = Request::builder().method(method.clone()).uri(&path).header(ACCEPT, MANIFESTS);
            if let Some(proof) = proof {
                request = request.header(AUTHORIZATION, proof);
            }
            let odd = |e| RegistryError { kind: Failed::Odd, text: format!("{base}{path} is no address: {e}") };
            let answer = self.send(&base, request.body(Body::empty()).map_err(odd)?).await?;
            let status = answer.status();
            if matches!(status.as_u16(), 301 | 302 | 307 | 308) && redirects < REDIRECTS {
                let Some(next) = answer.headers().get(LOCATION).and_then(|l| l.to_str().ok()) else { return Ok(answer) };
                let (to, rest) = split(&base, next);
                // Another host gets no proof of ours.
                if to != base {
                    proof = None;
                }
                (base, path) = (to, rest);
                redirects += 1;
                continue;
            }
            let busy = status == 429 || status.is_server_error();
            if !busy || tries >= self.options.tries {
                return if busy { Err(too_busy(&base, &answer, tries)) } else { Ok(answer) };
            }
            let asked = answer.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()?.trim().parse().ok()).map(Duration::from_secs);
            tokio::time::sleep(asked.unwrap_or(pause).min(self.options.longest)).await;
            pause *= 2;
            tries += 1;
        }
    }

    async fn send(&mut self, base: &str, request: Request<Body>) -> Answered<Response<Body>> {
        let name = base.split("://").last().unwrap_or(base).to_owned();
        let client = self.client(base).map_err(|text| RegistryError { kind: Failed::Odd, text: format!("{name}: {text}") })?;
        match tokio::time::timeout(self.options.timeout, client.send(request)).await {
            Ok(sent) => sent.map_err(|e| unreachable(&name, &e)),
            Err(_) => {
                let text = format!("{name} did not answer within {} s", self.options.timeout.as_secs_f64());
                Err(RegistryError { kind: Failed::Unreachable, text })
            }
        }
    }

    /// A client for one address, with the proxy that it needs.
    fn client(&mut self, base: &str) -> Result<Client, String> {
        if let Some(client) = self.clients.get(base) {
            return Ok(client.clone());
        }
        let address: Uri = base.parse().map_err(|e| format!("`{base}` is no address: {e}"))?;
        let mut config = kube::Config::new(address.clone());
        // One time-out for the whole answer, which says so in words of its own.
        config.connect_timeout = None;
        config.read_timeout = None;
        config.default_retry = false;
        config.proxy_url = (self.options.proxy)(&address);
        let client = Client::try_from(config).map_err(|e| e.to_string())?;
        self.clients.insert(base.to_owned(), client.clone());
        Ok(client)
    }

    fn base(&self, host: &str) -> String {
        let address = if host == "docker.io" { "registry-1.docker.io" } else { host };
        format!("{}://{address}", if self.plain(host) { "http" } else { "https" })
    }

    /// Whether a registry speaks plain HTTP: those on the loopback do, as docker takes it, and those that the user names.
    fn plain(&self, host: &str) -> bool {
        let name = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(name, _)| name);
        let address = name.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        name == "localhost" || address.is_ok_and(|a| a.is_loopback()) || self.options.plain_http.iter().any(|p| p == host)
    }
}

fn host(reference: &Reference<'_>) -> String {
    reference.host().to_owned()
}

fn digest_of(answer: &Response<Body>) -> Option<String> {
    let digest = answer.headers().get("Docker-Content-Digest")?.to_str().ok()?;
    super::reference::parse(&format!("a@{digest}")).is_ok().then(|| digest.to_owned())
}

/// An answer that helps; else what the registry said, in its own words where it has some.
async fn judged(answer: Response<Body>, reference: &Reference<'_>, credential: Option<&Credential>) -> Answered<Response<Body>> {
    let (status, host) = (answer.status(), host(reference));
    if status.is_success() {
        return Ok(answer);
    }
    let bytes = answer.into_body().collect_bytes().await.unwrap_or_default();
    let told: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let said =
        items(&told, &["errors"]).first().map(|e| format!(": {} ({})", text(e, &["message"]), text(e, &["code"]))).unwrap_or_default();
    let what = match reference.tag {
        Some(tag) => format!("`{}:{tag}`", reference.path()),
        None => format!("`{}`", reference.path()),
    };
    let code = status.as_u16();
    let (kind, text) = match code {
        404 => (Failed::Missing, format!("{host} has no {what}{said}")),
        401 | 403 => {
            let who = credential
                .map_or_else(|| "there are no credentials for it".to_owned(), |c| format!("the credentials {} are not enough", c.from));
            (Failed::Denied, format!("{host} does not let us read {what} ({code}){said}; {who}"))
        }
        _ => (Failed::Odd, format!("{host} answers {code} to the question for {what}{said}")),
    };
    Err(RegistryError { kind, text })
}

fn too_busy(base: &str, answer: &Response<Body>, tries: u32) -> RegistryError {
    let name = base.split("://").last().unwrap_or(base);
    let status = answer.status();
    let why = status.canonical_reason().unwrap_or("no reason given");
    RegistryError { kind: Failed::Busy, text: format!("{name} was busy each of {tries} times: {} {why}", status.as_u16()) }
}

fn unreachable(host: &str, error: &kube::Error) -> RegistryError {
    let text = error.to_string();
    let mut text = text.strip_prefix("ServiceError: ").unwrap_or(&text).to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let more = next.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = next.source();
    }
    RegistryError { kind: Failed::Unreachable, text: format!("{host} cannot be reached: {text}") }
}

/// Where a redirect leads: the address, and the path there.
fn split(base: &str, location: &str) -> (String, String) {
    match location.parse::<Uri>() {
        Ok(uri) => match (uri.scheme_str(), uri.authority()) {
            (Some(scheme), Some(authority)) => {
                let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
                (format!("{scheme}://{authority}"), path.to_owned())
            }
            _ => (base.to_owned(), location.to_owned()),
        },
        Err(_) => (base.to_owned(), location.to_owned()),
    }
}

/// `</v2/a/tags/list?last=x>; rel="next"`: the path of the next page on the same registry.
fn next_page(link: &str) -> Option<String> {
    let (address, rest) = link.trim().strip_prefix('<')?.split_once('>')?;
    let path = match address.split_once("://") {
        Some((_, after)) => &after[after.find('/')?..],
        None => address,
    };
    (rest.contains("next") && path.starts_with('/')).then(|| path.to_owned())
}

fn in_query(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b':' | b'/' | b',');
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests;
