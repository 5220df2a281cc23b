//! Calls of the API as commands for a shell.

use reqwest::Method;
use serde_json::Value;

use super::calls::Api;

impl Api {
    /// The `curl` command that does what [`call`](Self::call) does, with the API key in it.
    #[must_use]
    pub fn curl(&self, method: &Method, path: &[&str], body: Option<&Value>) -> String {
        let url = self.url(path, &[]).map(String::from).unwrap_or_default();
        let url = quoted(&url);
        let key = quoted(&format!("Authorization: Bearer {}", self.key()));
        let posts = *method == Method::POST && body.is_some();
        // curl takes GET for granted, and POST where there is a body.
        let verb = if *method == Method::GET || posts { String::new() } else { format!(" -X {method}") };
        let sent = body.map_or_else(String::new, |body| {
            let body = quoted(&serde_json::to_string_pretty(body).unwrap_or_default());
            format!(" \\\n  -H 'Content-Type: application/json' \\\n  -d {body}")
        });
        format!("curl -sS{verb} {url} \\\n  -H {key}{sent}")
    }
}

/// A word for a POSIX shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::json;

    use super::*;

    /// The arguments that a shell gives to curl.
    fn arguments(command: &str) -> Vec<String> {
        let script = format!("curl() {{ printf '%s\\0' \"$@\"; }}\n{command}");
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.split_terminator('\0').map(str::to_owned).collect()
    }

    #[test]
    fn a_shell_reads_the_call_as_it_is() {
        let api = Api::new(crate::http::client().unwrap(), "http://127.0.0.1:8080/", "cs_key");
        let body =
            json!({ "user": "U1", "arguments": { "sql": "SELECT 'a' || \"b\";\n$(rm -rf /) `x` \\ !1" } });
        let found = arguments(&api.curl(&Method::POST, &["approvals"], Some(&body)));
        let [flags, url, header, key, kind, json, data, sent] = found.try_into().unwrap();
        assert_eq!([&*flags, &*url], ["-sS", "http://127.0.0.1:8080/v1/approvals"]);
        assert_eq!([&*header, &*key, &*kind], ["-H", "Authorization: Bearer cs_key", "-H"]);
        assert_eq!([&*json, &*data], ["Content-Type: application/json", "-d"]);
        assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), body);

        let put = arguments(&api.curl(&Method::PUT, &["users", "a b'c", "connections", "x"], None));
        assert_eq!(put[1..4], ["-X", "PUT", "http://127.0.0.1:8080/v1/users/a%20b'c/connections/x"]);
    }
}
