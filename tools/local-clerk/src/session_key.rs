//! The session key. It is made once and kept in the state directory; it signs tokens.

mod file;

use std::fs;
use std::io;
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

use self::file::{restrict_to_owner, write_atomically};
use crate::claims::{ClientRecord, SessionClaims};

/// The category of session tokens and of handshake tokens, in the header `cat`. Tokens of
/// templates and of machines have others. <https://github.com/clerk/javascript>,
/// packages/backend/src/tokens/jwtCategories.ts
pub const SESSION_CATEGORY: &str = "cl_B7d4PD111AAA";

/// The category of this server's own record of a browser: other verifiers refuse it.
const CLIENT_CATEGORY: &str = "local_client";

/// The file of the key, in the state directory.
pub const KEY_FILE: &str = "session-key.pem";

/// Clerk's RSA keys have this size.
const KEY_BITS: usize = 2048;

/// Why there is no key. The message names the file and the next step.
#[derive(Debug, thiserror::Error)]
pub enum SessionKeyError {
    /// The state directory or the file could not be read or written.
    #[error(
        "could not read or write {}: check that --state-dir is a directory of yours",
        .0.display()
    )]
    Io(PathBuf, #[source] io::Error),
    /// The file holds something that is not a key.
    #[error(
        "{} holds no RSA key of this program: delete it, and start again to make a new key",
        .0.display()
    )]
    NotAKey(PathBuf, #[source] rsa::pkcs8::Error),
    /// The key could not be made or encoded.
    #[error("could not make an RSA key: {0}; start again")]
    Generate(String),
}

/// The session key.
pub struct SessionKey {
    signing: EncodingKey,
    verifying: DecodingKey,
    kid: String,
    public_pem: String,
    jwks: Value,
}

impl std::fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SessionKey {
    /// Loads the key from `state_dir`, or makes one there. Sessions stay valid after a restart.
    ///
    /// Only the owner can read the file.
    ///
    /// # Errors
    /// [`SessionKeyError`] when the directory cannot be used or the file holds something else.
    pub fn load_or_create(state_dir: &Path) -> Result<Self, SessionKeyError> {
        let path = state_dir.join(KEY_FILE);
        let pem = match fs::read_to_string(&path) {
            Ok(pem) => pem,
            Err(err) if err.kind() == io::ErrorKind::NotFound => create_file(&path)?,
            Err(err) => return Err(SessionKeyError::Io(path, err)),
        };
        restrict_to_owner(&path).map_err(|err| SessionKeyError::Io(path.clone(), err))?;
        let key = RsaPrivateKey::from_pkcs8_pem(&pem)
            .map_err(|err| SessionKeyError::NotAKey(path, err))?;
        Self::from_key(&key, &pem)
    }

    fn from_key(key: &RsaPrivateKey, pem: &str) -> Result<Self, SessionKeyError> {
        let signing = EncodingKey::from_rsa_pem(pem.as_bytes())
            .map_err(|err| SessionKeyError::Generate(err.to_string()))?;
        let modulus = key.n().to_bytes_be();
        let kid = format!("ins_local{}", short_hex(&modulus));
        let n = URL_SAFE_NO_PAD.encode(&modulus);
        let e = URL_SAFE_NO_PAD.encode(key.e().to_bytes_be());
        let verifying = DecodingKey::from_rsa_components(&n, &e)
            .map_err(|err| SessionKeyError::Generate(err.to_string()))?;
        let jwks = json!({ "keys": [{
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e,
        }]});
        let public_pem = key
            .to_public_key()
            .to_public_key_pem(LineEnding::LF)
            .map_err(|err| SessionKeyError::Generate(err.to_string()))?;
        Ok(Self { signing, verifying, kid, public_pem, jwks })
    }

    /// The id of the instance, which is also the `kid` of its key, as at Clerk.
    #[must_use]
    pub fn instance_id(&self) -> &str {
        &self.kid
    }

    /// The public key, as a JSON Web Key Set.
    #[must_use]
    pub const fn jwks(&self) -> &Value {
        &self.jwks
    }

    /// Signs a session token.
    ///
    /// # Errors
    /// [`jsonwebtoken::errors::Error`] from the library; none is expected with this key.
    pub fn sign_session(&self, claims: &SessionClaims) -> jsonwebtoken::errors::Result<String> {
        let mut header = self.header(SESSION_CATEGORY);
        // When the session's first token was issued. Only Clerk reads it.
        header.extras.insert("oiat", claims.iat);
        jsonwebtoken::encode(&header, claims, &self.signing)
    }

    /// Signs an encoded header and claims, valid or not.
    ///
    /// # Errors
    /// As [`Self::sign_session`].
    pub fn sign_text(&self, text: &str, alg: Algorithm) -> jsonwebtoken::errors::Result<String> {
        jsonwebtoken::crypto::sign(text.as_bytes(), &self.signing, alg)
    }

    /// The public key as PEM.
    #[must_use]
    pub fn public_pem(&self) -> &str {
        &self.public_pem
    }

    /// The members of a session token's header.
    #[must_use]
    pub fn session_header(&self, claims: &SessionClaims) -> Map<String, Value> {
        let members = [
            ("alg", json!("RS256")),
            ("cat", json!(SESSION_CATEGORY)),
            ("kid", json!(self.kid)),
            ("oiat", json!(claims.iat)),
            ("typ", json!("JWT")),
        ];
        members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// Signs the cookies of a handshake, in the category of session tokens, as Clerk does.
    ///
    /// # Errors
    /// As [`Self::sign_session`].
    pub fn sign_handshake(&self, cookies: &[String]) -> jsonwebtoken::errors::Result<String> {
        self.sign_as(SESSION_CATEGORY, &json!({ "handshake": cookies }))
    }

    /// Signs the record of a browser.
    ///
    /// # Errors
    /// As [`Self::sign_session`].
    pub fn sign_client_record(
        &self,
        client: &ClientRecord,
    ) -> jsonwebtoken::errors::Result<String> {
        self.sign_as(CLIENT_CATEGORY, client)
    }

    /// The content of a record that [`Self::sign_client_record`] made and that has not expired.
    #[must_use]
    pub fn verify_client_record(&self, record: &str) -> Option<ClientRecord> {
        let rules = Validation::new(Algorithm::RS256);
        let read = jsonwebtoken::decode::<ClientRecord>(record, &self.verifying, &rules).ok()?;
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

/// Makes a new key, as PEM.
pub(crate) fn generate_pem() -> Result<String, SessionKeyError> {
    let key = RsaPrivateKey::new(&mut OsRng, KEY_BITS)
        .map_err(|err| SessionKeyError::Generate(err.to_string()))?;
    let pem = key
        .to_pkcs8_pem(LineEnding::LF)
        .map_err(|err| SessionKeyError::Generate(err.to_string()))?;
    Ok(pem.as_str().to_owned())
}

fn create_file(path: &Path) -> Result<String, SessionKeyError> {
    let pem = generate_pem()?;
    write_atomically(path, pem.as_bytes())
        .map_err(|err| SessionKeyError::Io(path.to_owned(), err))?;
    Ok(pem)
}

/// A part of a digest: it tells keys apart, and makes an id as long as those of Clerk.
fn short_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(11)
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::{KEY_FILE, SessionKey, SessionKeyError};

    #[test]
    fn a_second_start_loads_the_same_key() {
        let dir = tempfile::tempdir().unwrap();
        let state = dir.path().join("state/clerk");
        let first = SessionKey::load_or_create(&state).unwrap();
        let again = SessionKey::load_or_create(&state).unwrap();
        assert_eq!(first.jwks(), again.jwks());
        let files: Vec<_> =
            std::fs::read_dir(&state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(files, [KEY_FILE], "no temporary file is left");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = || {
            let file = std::fs::metadata(dir.path().join(KEY_FILE)).unwrap();
            file.permissions().mode() & 0o777
        };
        SessionKey::load_or_create(dir.path()).unwrap();
        assert_eq!(mode(), 0o600);
        let open = std::fs::Permissions::from_mode(0o644);
        std::fs::set_permissions(dir.path().join(KEY_FILE), open).unwrap();
        SessionKey::load_or_create(dir.path()).unwrap();
        assert_eq!(mode(), 0o600, "the mode of an existing file is corrected");
    }

    #[test]
    fn a_file_that_is_not_a_key_is_not_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(KEY_FILE), "mine").unwrap();
        let err = SessionKey::load_or_create(dir.path()).unwrap_err();
        assert!(matches!(err, SessionKeyError::NotAKey(..)), "{err}");
        assert!(err.to_string().contains("delete it"), "{err}");
        assert_eq!(std::fs::read_to_string(dir.path().join(KEY_FILE)).unwrap(), "mine");
    }
}
