//! The session key: made once, kept in the state directory; signs tokens, shows its public half.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rsa::RsaPrivateKey;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::rand_core::OsRng;
use rsa::traits::PublicKeyParts;
use serde::Serialize;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::claims::{Claims, Client};
use crate::ids::new_id;

/// The category of a session token and of a handshake's answer, in the header `cat`; templates and
/// machines have others. <https://github.com/clerk/javascript>,
/// packages/backend/src/tokens/jwtCategories.ts
pub const SESSION_CATEGORY: &str = "cl_B7d4PD111AAA";

/// The category of this server's own record of a browser: nobody else's verifier takes it.
const CLIENT_CATEGORY: &str = "local_client";

/// The key's file in the state directory.
pub const KEY_FILE: &str = "session-key.pem";

/// Clerk signs with RSA keys of this size.
const KEY_BITS: usize = 2048;

/// Why there is no key; the message names the file and what to do.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The state directory or the key's file could not be read or written.
    #[error(
        "could not read or write {}: check that --state-dir is a directory of yours",
        .0.display()
    )]
    Io(PathBuf, #[source] io::Error),
    /// The file holds something else.
    #[error("{} is not an RSA key of this program: delete it, and a new one is made", .0.display())]
    Unreadable(PathBuf, #[source] rsa::pkcs8::Error),
    /// The key could not be made or written as PEM.
    #[error("could not make an RSA key: {0}")]
    Make(String),
}

/// The session key.
pub struct Keys {
    signing: EncodingKey,
    checking: DecodingKey,
    kid: String,
    public_pem: String,
    jwks: Value,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Keys {
    /// Reads the key in `state_dir`, or makes it there: a second start keeps sessions valid.
    ///
    /// The file can be read by its owner alone.
    ///
    /// # Errors
    /// [`KeyError`] when the directory cannot be used or the file holds something else.
    pub fn open(state_dir: &Path) -> Result<Self, KeyError> {
        let path = state_dir.join(KEY_FILE);
        let pem = match fs::read_to_string(&path) {
            Ok(pem) => pem,
            Err(err) if err.kind() == io::ErrorKind::NotFound => make(&path)?,
            Err(err) => return Err(KeyError::Io(path, err)),
        };
        restrict(&path).map_err(|err| KeyError::Io(path.clone(), err))?;
        let key =
            RsaPrivateKey::from_pkcs8_pem(&pem).map_err(|err| KeyError::Unreadable(path, err))?;
        Self::from_key(&key, &pem)
    }

    fn from_key(key: &RsaPrivateKey, pem: &str) -> Result<Self, KeyError> {
        let signing = EncodingKey::from_rsa_pem(pem.as_bytes())
            .map_err(|err| KeyError::Make(err.to_string()))?;
        let modulus = key.n().to_bytes_be();
        let kid = format!("ins_local{}", short_hex(&modulus));
        let n = URL_SAFE_NO_PAD.encode(&modulus);
        let e = URL_SAFE_NO_PAD.encode(key.e().to_bytes_be());
        let checking = DecodingKey::from_rsa_components(&n, &e)
            .map_err(|err| KeyError::Make(err.to_string()))?;
        let jwks = json!({ "keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e,
        }]});
        let public_pem = key
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .map_err(|err| KeyError::Make(err.to_string()))?;
        Ok(Self { signing, checking, kid, public_pem, jwks })
    }

    /// The instance's id. Clerk names an instance's key by it too, as `kid`.
    #[must_use]
    pub fn instance_id(&self) -> &str {
        &self.kid
    }

    /// The public half, as a JSON Web Key Set.
    #[must_use]
    pub const fn jwks(&self) -> &Value {
        &self.jwks
    }

    /// Signs a session token.
    ///
    /// # Errors
    /// [`jsonwebtoken::errors::Error`] when the library refuses; with this key it has no reason to.
    pub fn sign(&self, claims: &Claims) -> jsonwebtoken::errors::Result<String> {
        let mut header = self.header(SESSION_CATEGORY);
        // Since when there is a token of this session: Clerk's own, which nobody else need read.
        header.extras.insert("oiat", claims.iat);
        jsonwebtoken::encode(&header, claims, &self.signing)
    }

    /// Signs the text of a token, header and claims, whatever they say.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_text(&self, text: &str, alg: Algorithm) -> jsonwebtoken::errors::Result<String> {
        jsonwebtoken::crypto::sign(text.as_bytes(), &self.signing, alg)
    }

    /// The public half as PEM.
    #[must_use]
    pub fn public_pem(&self) -> &str {
        &self.public_pem
    }

    /// The members of a session token's header.
    #[must_use]
    pub fn session_header(&self, claims: &Claims) -> Map<String, Value> {
        let members = [
            ("alg", json!("RS256")),
            ("cat", json!(SESSION_CATEGORY)),
            ("kid", json!(self.kid)),
            ("oiat", json!(claims.iat)),
            ("typ", json!("JWT")),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Signs the cookies of a handshake, under a session's category as Clerk does.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_handshake(&self, cookies: &[String]) -> jsonwebtoken::errors::Result<String> {
        self.sign_as(SESSION_CATEGORY, &json!({ "handshake": cookies }))
    }

    /// Signs the record of a browser.
    ///
    /// # Errors
    /// As [`Self::sign`].
    pub fn sign_client(&self, client: &Client) -> jsonwebtoken::errors::Result<String> {
        self.sign_as(CLIENT_CATEGORY, client)
    }

    /// The browser of a record that [`Self::sign_client`] made and that has not run out.
    #[must_use]
    pub fn read_client(&self, record: &str) -> Option<Client> {
        let rules = Validation::new(Algorithm::RS256);
        let read = jsonwebtoken::decode::<Client>(record, &self.checking, &rules).ok()?;
        let is_record = read.header.extras.inner().get("cat")? == CLIENT_CATEGORY;
        is_record.then_some(read.claims)
    }

    fn sign_as<T: Serialize>(
        &self,
        category: &str,
        claims: &T,
    ) -> jsonwebtoken::errors::Result<String> {
        jsonwebtoken::encode(&self.header(category), claims, &self.signing)
    }

    fn header(&self, category: &str) -> Header {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.kid.clone());
        header.extras.insert("cat", category);
        header
    }
}

/// A new key as PEM.
pub(crate) fn new_pem() -> Result<String, KeyError> {
    let key =
        RsaPrivateKey::new(&mut OsRng, KEY_BITS).map_err(|err| KeyError::Make(err.to_string()))?;
    let pem = key.to_pkcs8_pem(LineEnding::LF).map_err(|err| KeyError::Make(err.to_string()))?;
    Ok(pem.as_str().to_owned())
}

fn make(path: &Path) -> Result<String, KeyError> {
    let pem = new_pem()?;
    keep(path, pem.as_bytes()).map_err(|err| KeyError::Io(path.to_owned(), err))?;
    Ok(pem)
}

/// Writes beside and renames: a crash leaves no half key, and nobody else ever sees the file.
fn keep(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let beside = path.with_extension(format!("{}.tmp", new_id("")));
    let mut file = private_file(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Enough of a digest to tell one key from another, and to make an id as long as Clerk's.
fn short_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(11)
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::{KEY_FILE, KeyError, Keys};

    #[test]
    fn a_second_start_finds_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state/clerk");
        let first = Keys::open(&state).unwrap();
        let again = Keys::open(&state).unwrap();
        assert_eq!(first.jwks(), again.jwks());
        let files: Vec<_> =
            std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, [KEY_FILE], "nothing else is left");
    }

    #[cfg(unix)]
    #[test]
    fn the_key_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = || {
            let file = std::fs::metadata(dir.path().join(KEY_FILE)).unwrap();
            file.permissions().mode() & 0o777
        };
        Keys::open(dir.path()).unwrap();
        assert_eq!(mode(), 0o600);
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(dir.path().join(KEY_FILE), open).unwrap();
        Keys::open(dir.path()).unwrap();
        assert_eq!(mode(), 0o600, "a file that others could read is closed again");
    }

    #[test]
    fn something_else_in_its_place_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(KEY_FILE), "mine").unwrap();
        let err = Keys::open(dir.path()).unwrap_err();
        assert!(matches!(err, KeyError::Unreadable(..)), "{err}");
        assert!(err.to_string().contains("delete it"), "{err}");
        assert_eq!(std::fs::read_to_string(dir.path().join(KEY_FILE)).unwrap(), "mine");
    }
}
