//! A headless Chromium, driven over the `DevTools` protocol (<https://chromedevtools.github.io/devtools-protocol/>): the
//! few commands that a person's hands and eyes need.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{net::TcpStream, time::Instant};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use crate::{children, story::SOON};

/// Where pictures go, if they are wanted: `COUNTERSIGN_PICTURES=docs/pictures cargo test --test it browser`.
const PICTURES: &str = "COUNTERSIGN_PICTURES";

/// How long something that was clicked takes at most, as a rule.
const MOMENT: Duration = Duration::from_secs(2);

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
        children::kill(&mut self.child);
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// An empty folder for a browser's profile, which no other one uses.
fn profile() -> PathBuf {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    loop {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder =
            std::env::temp_dir().join(format!("countersign-browser-{}-{number}", std::process::id()));
        // One with our number may have been left by a process that was killed.
        if std::fs::create_dir(&folder).is_ok() {
            return folder;
        }
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
        let folder = profile();
        let mut child = children::command(program)
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
            // Read to the end, so that it never blocks on a full pipe.
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

    /// Evaluates an expression in the tab until it has a value, and returns that; `true` for an element.
    pub async fn until(&mut self, tab: &Tab, expression: &str) -> Value {
        let found = self.within(tab, SOON, expression).await;
        if let Ok(found) = found {
            return found;
        }
        let evaluate = json!({ "expression": "document.body.innerText", "returnByValue": true });
        let seen = self.try_on(tab, "Runtime.evaluate", evaluate).await.unwrap_or_default();
        panic!("never: {expression}\n{found:?}\n{}", seen["result"]["value"].as_str().unwrap_or_default());
    }

    /// The same with a time limit. The error is the browser's, if it could not evaluate the expression.
    async fn within(&mut self, tab: &Tab, limit: Duration, expression: &str) -> Result<Value, Value> {
        let script = format!(
            "new Promise(resolve => {{ const look = () => {{ let found; try {{ found = ({expression}); }} catch {{}} \
             found ? resolve(found instanceof Node ? true : found) : setTimeout(look, 50); }}; look(); }})"
        );
        let evaluate = json!({ "expression": script, "awaitPromise": true, "returnByValue": true });
        let (deadline, mut why) = (Instant::now() + limit, Value::Null);
        loop {
            let asked = self.try_on(tab, "Runtime.evaluate", evaluate.clone());
            match tokio::time::timeout_at(deadline, asked).await {
                Ok(Ok(found)) => return Ok(found["result"]["value"].clone()),
                // The page that it was asked of is gone: the one that follows is asked.
                Ok(Err(error)) if Instant::now() < deadline => why = error,
                _ => return Err(why),
            }
            tokio::time::sleep(MOMENT / 20).await;
        }
    }

    /// Waits until these words stand on the page.
    pub async fn sees(&mut self, tab: &Tab, words: &str) {
        self.until(tab, &format!("document.body.innerText.includes({})", json!(words))).await;
    }

    /// Clicks the last element that fits, with the mouse, once it is shown, rests, and nothing lies over it.
    pub async fn click(&mut self, tab: &Tab, selector: &str) {
        self.click_unless(tab, selector, "false").await;
    }

    /// Clicks, and waits for what comes of it. Where nothing does, the page may have been replaced under the mouse: it
    /// is clicked again. So this is for what may be clicked twice.
    pub async fn click_until(&mut self, tab: &Tab, selector: &str, expression: &str) {
        let deadline = Instant::now() + SOON;
        while Instant::now() < deadline {
            self.click_unless(tab, selector, expression).await;
            if self.within(tab, MOMENT, expression).await.is_ok() {
                return;
            }
        }
        self.until(tab, expression).await;
    }

    async fn click_unless(&mut self, tab: &Tab, selector: &str, done: &str) {
        self.call(None, "Target.activateTarget", json!({ "targetId": tab.target })).await;
        let place = format!(
            "(() => {{ if ({done}) return {{ done: true }}; const all = [...document.querySelectorAll({})].filter(one => one.checkVisibility()); \
             const one = all.at(-1); if (!one) return null; one.scrollIntoView({{ block: 'center' }}); \
             const box = one.getBoundingClientRect(); \
             const x = box.x + box.width / 2, y = box.y + box.height / 2; \
             const rests = one.wasAt === `${{x}} ${{y}}`; one.wasAt = `${{x}} ${{y}}`; \
             const top = document.elementFromPoint(x, y); \
             return rests && (one.contains(top) || top?.contains(one)) ? {{ x, y }} : null; }})()",
            json!(selector)
        );
        let place = self.until(tab, &place).await;
        if place["done"] == true {
            return;
        }
        for kind in ["mouseMoved", "mousePressed", "mouseReleased"] {
            let event =
                json!({ "type": kind, "x": place["x"], "y": place["y"], "button": "left", "clickCount": 1 });
            self.on(tab, "Input.dispatchMouseEvent", event).await;
        }
    }

    /// Types into what has the focus.
    pub async fn insert(&mut self, tab: &Tab, text: &str) {
        self.on(tab, "Input.insertText", json!({ "text": text })).await;
    }

    /// Types into what has the focus, and presses Enter.
    pub async fn type_line(&mut self, tab: &Tab, text: &str) {
        self.insert(tab, text).await;
        for kind in ["keyDown", "keyUp"] {
            let event = json!({ "type": kind, "key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r" });
            self.on(tab, "Input.dispatchKeyEvent", event).await;
        }
    }

    /// Presses a key, such as `Tab`, `Escape` or `ArrowDown`.
    pub async fn press(&mut self, tab: &Tab, key: &str) {
        let code = match key {
            "Tab" => 9,
            "Enter" => 13,
            "Escape" => 27,
            _ => 0,
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            if key == "Enter" {
                event["text"] = "\r".into();
            }
            self.on(tab, "Input.dispatchKeyEvent", event).await;
        }
    }

    /// Presses Tab until the focus is on an element that fits.
    pub async fn tab_to(&mut self, tab: &Tab, selector: &str) {
        let there = format!("String(document.activeElement.matches({}))", json!(selector));
        for _ in 0..100 {
            self.press(tab, "Tab").await;
            if self.until(tab, &there).await == "true" {
                return;
            }
        }
        panic!("Tab never reaches {selector}");
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
        self.picture_at(tab, name, selector, WIDTH).await;
    }

    /// The same in a tab of this width.
    pub async fn picture_at(&mut self, tab: &Tab, name: &str, selector: Option<&str>, width: u32) {
        let Some(folder) = std::env::var_os(PICTURES) else { return };
        self.call(None, "Target.activateTarget", json!({ "targetId": tab.target })).await;
        // So high that nothing needs scrolling.
        self.size(tab, (width, 2200)).await;
        let away = json!({ "type": "mouseMoved", "x": 1, "y": 1 });
        self.on(tab, "Input.dispatchMouseEvent", away).await;
        let mut shot = json!({ "format": "png", "captureBeyondViewport": false });
        if let Some(selector) = selector {
            let box_of = format!(
                "(() => {{ const one = [...document.querySelectorAll({})].at(-1); document.activeElement?.blur(); \
                 document.querySelector('.tour-here')?.classList.remove('tour-here'); \
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

    /// Sets the size of a tab, in CSS pixels.
    pub async fn size(&mut self, tab: &Tab, (width, height): (u32, u32)) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1.5, "mobile": false });
        self.on(tab, "Emulation.setDeviceMetricsOverride", size).await;
    }

    async fn on(&mut self, tab: &Tab, method: &str, params: Value) -> Value {
        self.call(Some(&tab.session), method, params).await
    }

    async fn try_on(&mut self, tab: &Tab, method: &str, params: Value) -> Result<Value, Value> {
        self.try_call(Some(&tab.session), method, params).await
    }

    async fn call(&mut self, session: Option<&str>, method: &str, params: Value) -> Value {
        let answer = self.try_call(session, method, params).await;
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// Gives a command; the browser's error, if it has one.
    async fn try_call(&mut self, session: Option<&str>, method: &str, params: Value) -> Result<Value, Value> {
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
                return match answer.get("error") {
                    None => Ok(answer["result"].clone()),
                    Some(error) => Err(error.clone()),
                };
            }
        }
    }
}
