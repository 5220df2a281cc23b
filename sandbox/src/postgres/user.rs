//! Chooses the user that runs the server. Postgres refuses to run as root.

use std::fs;

use super::PostgresError;

/// An unprivileged user of this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl User {
    /// The user to run Postgres as: `None` for the current user if that isn't root, else `postgres` or `nobody`.
    ///
    /// # Errors
    /// [`PostgresError::NoUnprivilegedUser`] if the process runs as root and neither user exists.
    pub(super) fn for_server() -> Result<Option<Self>, PostgresError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").map_err(PostgresError::io("read", "/etc/passwd"))?;
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| find(&passwd, name))
            .map(Some)
            .ok_or(PostgresError::NoUnprivilegedUser)
    }
}

/// The user `name` in the text of a passwd(5) file, unless it has root's id.
fn find(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next() != Some(name) {
            return None;
        }
        let (uid, gid) = (fields.nth(1)?, fields.next()?);
        let user = User { uid: id(uid)?, gid: id(gid)? };
        (user.uid != 0).then_some(user)
    })
}

/// Parses a user or group id. macOS writes the id of `nobody` as -2.
fn id(text: &str) -> Option<u32> {
    text.parse::<u32>().ok().or_else(|| text.parse::<i32>().ok().map(i32::cast_unsigned))
}

#[cfg(test)]
mod tests {
    use super::{User, find};

    const PASSWD: &str = "root:x:0:0::/root:/bin/sh\npostgres2:x:9:9::/:/bin/sh\npostgres:x:101:104::/:/bin/sh\n\
                          nobody:*:-2:-2::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n";

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        assert_eq!(find(PASSWD, "postgres"), Some(User { uid: 101, gid: 104 }));
        assert_eq!(find(PASSWD, "nobody"), Some(User { uid: 4_294_967_294, gid: 4_294_967_294 }));
    }

    #[test]
    fn root_under_another_name_is_no_unprivileged_user() {
        assert_eq!(find(PASSWD, "toor"), None);
        assert_eq!(find(PASSWD, "missing"), None);
    }
}
