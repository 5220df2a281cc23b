//! A headless Chromium, driven over the `DevTools` protocol (<https://chromedevtools.github.io/devtools-protocol/>): the
//! few commands that a person's hands and eyes need.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use crate::story::SOON;

/// Where pictures go, if they are wanted: `COUNTERSIGN_PICTURES=docs/pictures cargo test --test it browser`.
const PICTURES: &str = "COUNTERSIGN_PICTURES";

/// The size of a tab, in CSS pixels.
const WIDTH: u32 = 1280;
const HEIGHT: u32 = 1000;

/// A browser, closed when it goes.
pub struct Chromium {
    child: Child,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    folder: PathBuf,
    last: u64,
}

/// A tab, by the session that drives it.
#[derive(Clone)]
pub struct Tab {
    session: String,
    target: String,
}

impl Drop for Chromium {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The browser on this machine: the one that `CHROMIUM` names, or one on the path.
fn find() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("CHROMIUM") {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    let names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let found = std::env::split_paths(&path).flat_map(|folder| names.map(|name| folder.join(name)));
    found.into_iter().find(|file| file.is_file())
}

impl Chromium {
    /// Starts one. `None`: this machine has none.
    pub async fn start() -> Option<Self> {
        let program = find()?;
        let folder = std::env::temp_dir().join(format!("countersign-browser-{}", std::process::id()));
        let mut child = Command::new(program)
            .args(["--headless=new", "--remote-debugging-port=0", "--no-first-run", "--disable-gpu"])
            // As root, as in containers, Chromium's own sandbox can't be had; it opens nothing but our page.
            .args(["--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars", "about:blank"])
            .arg(format!("--user-data-dir={}", folder.display()))
            .env("TZ", "UTC")
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (found, address) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            let mut found = Some(found);
            // Read to the end, so that it never waits for somebody to read.
            for line in lines.map_while(Result::ok) {
                if let Some(address) = line.strip_prefix("DevTools listening on ")
                    && let Some(found) = found.take()
                {
                    let _ = found.send(address.to_owned());
                }
            }
        });
        let address = tokio::time::timeout(SOON, address).await.unwrap().unwrap();
        let (socket, _) = tokio_tungstenite::connect_async(address).await.unwrap();
        Some(Self { child, socket, folder, last: 0 })
    }

    /// Opens a tab at an address.
    pub async fn open(&mut self, url: &str) -> Tab {
        let target = self.call(None, "Target.createTarget", json!({ "url": "about:blank" })).await;
        let target = target["targetId"].as_str().unwrap().to_owned();
        let attach = json!({ "targetId": target, "flatten": true });
        let session = self.call(None, "Target.attachToTarget", attach).await;
        let tab = Tab { session: session["sessionId"].as_str().unwrap().to_owned(), target };
        self.size(&tab, (WIDTH, HEIGHT)).await;
        self.go(&tab, url).await;
        tab
    }

    /// Goes to another address.
    pub async fn go(&mut self, tab: &Tab, url: &str) {
        self.on(tab, "Page.navigate", json!({ "url": url })).await;
        let there = format!("location.href === {} && document.readyState === 'complete'", json!(url));
        self.until(tab, &there).await;
    }

    /// Evaluates an expression in the tab until it gives something, and gives that; `true` for an element.
    pub async fn until(&mut self, tab: &Tab, expression: &str) -> Value {
        let script = format!(
            "new Promise(resolve => {{ const look = () => {{ let found; try {{ found = ({expression}); }} catch {{}} \
             found ? resolve(found instanceof Node ? true : found) : setTimeout(look, 50); }}; look(); }})"
        );
        let evaluate = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let found = tokio::time::timeout(SOON, self.on(tab, "Runtime.evaluate", evaluate)).await;
        if let Ok(found) = found {
            return found["result"]["value"].clone();
        }
        let evaluate = json!({ "expression": "document.body.innerText", "returnByValue": true });
        let seen = self.on(tab, "Runtime.evaluate", evaluate).await;
        panic!("never: {expression}\n{}", seen["result"]["value"].as_str().unwrap_or_default());
    }

    /// Waits until these words stand on the page.
    pub async fn sees(&mut self, tab: &Tab, words: &str) {
        self.until(tab, &format!("document.body.innerText.includes({})", json!(words))).await;
    }

    /// Clicks the last element that fits, with the mouse, once it is shown, rests, and nothing lies over it.
    pub async fn click(&mut self, tab: &Tab, selector: &str) {
        self.call(None, "Target.activateTarget", json!({ "targetId": tab.target })).await;
        let place = format!(
            "(() => {{ const all = [...document.querySelectorAll({})].filter(one => one.checkVisibility()); \
             const one = all.at(-1); if (!one) return null; one.scrollIntoView({{ block: 'center' }}); \
             const box = one.getBoundingClientRect(); \
             const x = box.x + box.width / 2, y = box.y + box.height / 2; \
             const rests = one.wasAt === `${{x}} ${{y}}`; one.wasAt = `${{x}} ${{y}}`; \
             const top = document.elementFromPoint(x, y); \
             return rests && (one.contains(top) || top?.contains(one)) ? {{ x, y }} : null; }})()",
            json!(selector)
        );
        let place = self.until(tab, &place).await;
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let event =
                json!({ "type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": 1 });
            self.on(tab, "Input.dispatchMouseEvent", event).await;
        }
    }

    /// Types into what has the focus, and presses Enter.
    pub async fn type_line(&mut self, tab: &Tab, text: &str) {
        self.on(tab, "Input.insertText", json!({ "text": text })).await;
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" });
            self.on(tab, "Input.dispatchKeyEvent", event).await;
        }
    }

    /// The names that a screen reader says of everything that can be pressed or set on the page.
    pub async fn names(&mut self, tab: &Tab) -> Vec<String> {
        let tree = self.on(tab, "Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree["nodes"].as_array().unwrap().clone();
        let pressed = nodes.iter().filter(|node| {
            let role = node["role"]["value"].as_str().unwrap_or_default();
            node["ignored"] != true && matches!(role, "button" | "checkbox" | "menuitem" | "link")
        });
        pressed.map(|node| node["name"]["value"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Takes a picture of an element, or of the whole tab, if pictures are wanted.
    pub async fn picture(&mut self, tab: &Tab, name: &str, selector: Option<&str>) {
        let Some(folder) = std::env::var_os(PICTURES) else { return };
        self.call(None, "Target.activateTarget", json!({ "targetId": tab.target })).await;
        // So high that nothing needs scrolling.
        self.size(tab, (WIDTH, 2200)).await;
        let away = json!({ "type": "mouseMoved", "x": 1, "y": 1 });
        self.on(tab, "Input.dispatchMouseEvent", away).await;
        let mut shot = json!({ "format": "png", "captureBeyondViewport": false });
        if let Some(selector) = selector {
            let box_of = format!(
                "(() => {{ const one = [...document.querySelectorAll({})].at(-1); document.activeElement?.blur(); \
                 one.scrollIntoView({{ block: 'nearest' }}); const box = one.getBoundingClientRect(); \
                 return {{ x: box.x, y: box.y, width: box.width, height: box.height, scale: 1 }}; }})()",
                json!(selector)
            );
            shot["clip"] = self.until(tab, &box_of).await;
        }
        let taken = self.on(tab, "Page.captureScreenshot", shot).await;
        let bytes = STANDARD.decode(taken["data"].as_str().unwrap()).unwrap();
        self.size(tab, (WIDTH, HEIGHT)).await;
        std::fs::write(Path::new(&folder).join(format!("{name}.png")), bytes).unwrap();
    }

    async fn size(&mut self, tab: &Tab, (width, height): (u32, u32)) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1.5, "mobile": false });
        self.on(tab, "Emulation.setDeviceMetricsOverride", size).await;
    }

    async fn on(&mut self, tab: &Tab, method: &str, params: Value) -> Value {
        self.call(Some(&tab.session), method, params).await
    }

    async fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        self.last += 1;
        let mut command = json!({ "id": self.last, "method": method, "params": params });
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        self.socket.send(Message::text(command.to_string())).await.unwrap();
        loop {
            let Message::Text(text) = self.socket.next().await.unwrap().unwrap() else { continue };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == self.last {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }
}
