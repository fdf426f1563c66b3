//! `florin token`: a bearer token for the HTTP API, and the key pair that signs it.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ledger_api::auth::{AUDIENCE, Claims, ISSUER};
use service_runtime::Clock;

pub use ledger_api::auth::Role;

use crate::exit::{Code, Failure};
use crate::fleet::DEFAULT_DIR;

/// The private key in a fleet's directory, PKCS#8 PEM.
pub const PRIVATE_KEY: &str = "jwt-private.pem";
/// The public key in a fleet's directory, SPKI PEM.
pub const PUBLIC_KEY: &str = "jwt-public.pem";

/// What stands before the 32 bytes of an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410).
const SPKI_PREFIX: [u8; 12] = [
    0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
];

/// How long our own clients' tokens last: longer than anything they do.
const OWN_TTL: Duration = Duration::from_hours(24);

/// Prints a token.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the bearer is: customer, merchant, operator, service, analyst, finance or admin.
    #[arg(long)]
    pub role: Role,

    /// Whose wallets are theirs; needed for customers and merchants.
    #[arg(long, default_value = "")]
    pub owner: String,

    /// Who the bearer is: the scope of their idempotency keys. The owner, or else the role,
    /// when left out.
    #[arg(long)]
    pub sub: Option<String>,

    /// How long it lasts: 90s, 30m, 1h, 7d.
    #[arg(long, default_value = "1h", value_parser = parse_ttl)]
    pub ttl: Duration,

    /// The fleet whose key signs; it need not run.
    #[arg(long, env = "FLORIN_DATA", default_value = DEFAULT_DIR, value_name = "DIR")]
    pub data: PathBuf,

    /// A private key of your own instead (Ed25519, PKCS#8 PEM).
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,
}

/// Prints just the token.
///
/// # Errors
/// When there is no key, or a customer or merchant has no owner.
pub fn run(args: Args) -> anyhow::Result<Code> {
    if matches!(args.role, Role::Customer | Role::Merchant) && args.owner.is_empty() {
        let words = format!(
            "a {} needs --owner: whose wallets are theirs",
            args.role.as_str()
        );
        return Err(Failure::usage(words).into());
    }
    let key = match &args.key {
        Some(file) => read_key(file)?,
        None => signing_key(&args.data)?,
    };
    let fallback = if args.owner.is_empty() {
        args.role.as_str()
    } else {
        &args.owner
    };
    let subject = args.sub.unwrap_or_else(|| fallback.to_owned());
    let grant = Grant {
        role: args.role,
        owner: args.owner,
        subject,
        ttl: args.ttl,
    };
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", grant.sign(&key)?).context("cannot write to stdout")?;
    Ok(Code::Done)
}

/// What a token says.
#[derive(Debug, Clone)]
pub struct Grant {
    /// What the bearer is.
    pub role: Role,
    /// Whose wallets are theirs; empty for staff.
    pub owner: String,
    /// Who the bearer is.
    pub subject: String,
    /// How long it lasts.
    pub ttl: Duration,
}

impl Grant {
    /// For a program of ours: it owns nothing, and its token lasts a day.
    pub fn staff(role: Role, subject: &str) -> Self {
        Self {
            role,
            owner: String::new(),
            subject: subject.to_owned(),
            ttl: OWN_TTL,
        }
    }

    /// For the owner of wallets.
    pub fn owner(role: Role, owner: &str) -> Self {
        Self {
            role,
            owner: owner.to_owned(),
            subject: owner.to_owned(),
            ttl: OWN_TTL,
        }
    }

    /// The signed token.
    ///
    /// # Errors
    /// When the key is not one that signs.
    pub fn sign(&self, key: &EncodingKey) -> anyhow::Result<String> {
        let now = Clock::system().now().timestamp();
        let lifetime = i64::try_from(self.ttl.as_secs()).unwrap_or(i64::MAX);
        let claims = Claims {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: self.subject.clone(),
            role: self.role.as_str().to_owned(),
            owner: self.owner.clone(),
            exp: now.saturating_add(lifetime),
            iat: now,
        };
        jsonwebtoken::encode(&Header::new(Algorithm::EdDSA), &claims, key)
            .context("the key does not sign")
    }
}

/// The private key of the fleet on `dir`, running or not.
///
/// # Errors
/// Exit code 3 when there never was a fleet.
pub fn signing_key(dir: &Path) -> anyhow::Result<EncodingKey> {
    let path = dir.join(PRIVATE_KEY);
    if !path.exists() {
        let words = format!(
            "{} has no key: start a fleet there with `florin up`, or give --key FILE",
            dir.display()
        );
        return Err(Failure::out_of_reach(words).into());
    }
    read_key(&path)
}

fn read_key(path: &Path) -> anyhow::Result<EncodingKey> {
    let pem = fs::read(path)
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))?;
    EncodingKey::from_ed_pem(&pem).map_err(|_| {
        Failure::usage(format!("{} is not an Ed25519 key in PEM", path.display())).into()
    })
}

/// Makes the key pair of a fleet, once; only its owner can read the private half.
///
/// # Errors
/// When the directory cannot be written.
pub fn ensure_keys(dir: &Path) -> anyhow::Result<()> {
    let (private, public) = (dir.join(PRIVATE_KEY), dir.join(PUBLIC_KEY));
    if private.exists() && public.exists() {
        return Ok(());
    }
    let pair = Ed25519KeyPair::generate().map_err(|_| anyhow!("cannot make an Ed25519 key"))?;
    let pkcs8 = pair
        .to_pkcs8v1()
        .map_err(|_| anyhow!("cannot encode an Ed25519 key"))?;
    let spki = [&SPKI_PREFIX, pair.public_key().as_ref()].concat();
    // The public half first: a crash between the two makes a new pair.
    write_private(&public, &pem("PUBLIC KEY", &spki))?;
    write_private(&private, &pem("PRIVATE KEY", pkcs8.as_ref()))
}

fn pem(label: &str, der: &[u8]) -> String {
    // One line is at most 64 characters, and an Ed25519 key may take two.
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("base64 is ASCII"))
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

/// Writes a file with mode 0600, whole or not at all.
///
/// # Errors
/// When the directory cannot be written.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let temporary = path.with_extension("new");
    let write = || {
        // A leftover of a crash would keep its mode.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)
    };
    write().with_context(|| format!("cannot write {}", path.display()))
}

fn parse_ttl(text: &str) -> Result<Duration, String> {
    let wrong = || "a time is a number and s, m, h or d, such as 90s or 1h".to_owned();
    let (digits, seconds) = match text.chars().last() {
        Some('s') => (&text[..text.len() - 1], 1),
        Some('m') => (&text[..text.len() - 1], 60),
        Some('h') => (&text[..text.len() - 1], 60 * 60),
        Some('d') => (&text[..text.len() - 1], 24 * 60 * 60),
        _ => return Err(wrong()),
    };
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    match number.checked_mul(seconds) {
        Some(seconds) if seconds > 0 && u32::try_from(seconds).is_ok() => {
            Ok(Duration::from_secs(seconds))
        }
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use ledger_api::auth::TokenVerifier;

    use super::*;

    #[test]
    fn a_token_of_a_fresh_key_is_accepted_by_the_ledger() {
        let dir = tempfile::tempdir().expect("tempdir");
        ensure_keys(dir.path()).expect("keys");
        let first = fs::read(dir.path().join(PRIVATE_KEY)).expect("a key");
        ensure_keys(dir.path()).expect("keys again");
        assert_eq!(
            fs::read(dir.path().join(PRIVATE_KEY)).expect("a key"),
            first,
            "made once"
        );

        let key = signing_key(dir.path()).expect("a key");
        let token = Grant::owner(Role::Customer, "ann")
            .sign(&key)
            .expect("signed");
        let public = fs::read(dir.path().join(PUBLIC_KEY)).expect("a public key");
        let verifier = TokenVerifier::from_pem(&public).expect("a public key");
        let (principal, _) = verifier
            .verify(&token, Clock::system().now())
            .expect("good");
        assert_eq!(
            (principal.role, principal.owner.as_str()),
            (Role::Customer, "ann")
        );
    }

    #[test]
    fn a_lifetime_is_a_number_and_a_unit() {
        assert_eq!(parse_ttl("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_ttl("1h"), Ok(Duration::from_hours(1)));
        for wrong in [
            "",
            "h",
            "1",
            "-1h",
            "0s",
            "1.5h",
            "1 h",
            "99999999999999999d",
            "1w",
            "1ü",
        ] {
            assert!(parse_ttl(wrong).is_err(), "{wrong}");
        }
    }
}
