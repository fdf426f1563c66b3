//! Where a server keeps its data, so that the account it runs as can work there.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::{Account, ServerError};

/// The note in the asked-for directory that says where the data really is.
const NOTE: &str = "moved-to";

/// A server's directory: the one that was asked for, or, when the server's account cannot enter
/// it (a parent is 0700, as `mktemp -d` and homes are), one in the system's temporary directory.
/// A note in the asked-for directory names the other, so that the next start finds the data.
#[derive(Debug, Clone)]
pub struct ServerFolder {
    path: PathBuf,
    account: Account,
}

impl ServerFolder {
    /// Creates the directory where needed and finds the place that `account` can work in.
    ///
    /// # Errors
    /// When no directory can be created, or the data had been moved and is gone.
    pub fn prepare(asked: &Path, account: &Account) -> Result<Self, ServerError> {
        fs::create_dir_all(asked).map_err(ServerError::io("create", asked))?;
        let asked = asked
            .canonicalize()
            .map_err(ServerError::io("resolve", asked))?;
        let note = asked.join(NOTE);
        let path = match fs::read_to_string(&note) {
            Ok(text) => {
                let moved_to = PathBuf::from(text.trim_end());
                if !moved_to.is_dir() {
                    // Starting with nothing would look like lost money.
                    return Err(ServerError::DataGone { moved_to, note });
                }
                moved_to
            }
            Err(_) => Self::fresh(&asked, &note, account)?,
        };
        Ok(Self {
            path,
            account: account.clone(),
        })
    }

    fn fresh(asked: &Path, note: &Path, account: &Account) -> Result<PathBuf, ServerError> {
        account.own(asked)?;
        if account.can_use(asked) {
            restrict(asked)?;
            return Ok(asked.to_owned());
        }
        let name = asked
            .file_name()
            .map_or_else(Default::default, |name| name.to_string_lossy());
        for temporary in [
            std::env::temp_dir(),
            PathBuf::from("/tmp"),
            PathBuf::from("/var/tmp"),
        ] {
            let made = tempfile::Builder::new()
                .prefix(&format!("florin-{name}-"))
                .tempdir_in(&temporary)
                .map_err(ServerError::io("create a directory in", &temporary))?;
            account.own(made.path())?;
            restrict(made.path())?;
            if account.can_use(made.path()) {
                let path = made.path().to_owned();
                fs::write(note, format!("{}\n", path.display()))
                    .map_err(ServerError::io("write", note))?;
                // Only now is it ours to keep: the note is how the next start finds it.
                return Ok(made.keep());
            }
        }
        Err(ServerError::Helper {
            program: "test -w".to_owned(),
            output: format!(
                "the servers' account can use neither {} nor /tmp",
                asked.display()
            ),
        })
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside the directory.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file that only the server's account can read.
    pub(crate) fn write_private(&self, name: &str, text: &str) -> Result<PathBuf, ServerError> {
        let path = self.join(name);
        let mut file = tempfile::NamedTempFile::new_in(&self.path)
            .map_err(ServerError::io("write into", &self.path))?;
        std::io::Write::write_all(&mut file, text.as_bytes())
            .map_err(ServerError::io("write", &path))?;
        // Created with mode 0600, renamed when whole.
        file.persist(&path)
            .map_err(|error| ServerError::io("write", &path)(error.error))?;
        self.account.own(&path)?;
        Ok(path)
    }

    /// A subdirectory that only the server's account can enter.
    pub(crate) fn make_private(&self, name: &str) -> Result<PathBuf, ServerError> {
        let path = self.join(name);
        fs::create_dir_all(&path).map_err(ServerError::io("create", &path))?;
        self.account.own(&path)?;
        restrict(&path)?;
        Ok(path)
    }
}

fn restrict(directory: &Path) -> Result<(), ServerError> {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))
        .map_err(ServerError::io("restrict", directory))
}
