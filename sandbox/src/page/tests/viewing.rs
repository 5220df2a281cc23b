//! The contents of the page.

use serde_json::json;

use super::{World, words};
use crate::slack::names::{ADMIN, ALICE, BOB, SALES};

#[tokio::test]
async fn everyone_sees_their_own_messages_and_no_one_elses() {
    let world = World::start(None).await;
    let (channel, ts) =
        world.post(json!([{ "type": "section", "text": words("Only for Alice's eyes") }])).await;
    let page = world.get(&format!("/?as={ALICE}")).await;
    assert!(page.contains("Only for Alice's eyes"), "{page}");
    assert!(page.contains(&format!("data-channel=\"{channel}\" data-ts=\"{ts}\"")), "{page}");
    for other in [BOB, ADMIN] {
        let page = world.get(&format!("/?as={other}&channel={channel}")).await;
        assert!(!page.contains("Only for Alice's eyes"), "{page}");
    }
}

#[tokio::test]
async fn a_link_to_a_message_leads_to_it() {
    let world = World::start(None).await;
    let (channel, ts) =
        world.post(json!([{ "type": "section", "text": words("Only for Alice's eyes") }])).await;
    let link = format!("{}/archives/{channel}/p{}", world.slack.origin(), ts.replace('.', ""));
    let answer = world.http.get(link).send().await.unwrap();
    let page = world.get(answer.headers()["location"].to_str().unwrap()).await;
    assert!(page.contains("Only for Alice's eyes") && page.contains("data-testid=\"thread\""), "{page}");
}

#[tokio::test]
async fn an_ephemeral_message_says_that_only_its_reader_sees_it() {
    let world = World::start(None).await;
    world
        .api("chat.postEphemeral", json!({ "channel": SALES, "user": ALICE, "text": "Not yours to decide" }))
        .await;
    let page = world.get(&format!("/?as={ALICE}&channel={SALES}")).await;
    assert!(page.contains("Only visible to you") && page.contains("Not yours to decide"), "{page}");
    let page = world.get(&format!("/?as={BOB}&channel={SALES}")).await;
    assert!(!page.contains("Not yours to decide"), "{page}");
}

#[tokio::test]
async fn replies_are_in_their_thread_and_counted_in_the_channel() {
    let world = World::start(None).await;
    let parent = world.slack.say(ALICE, SALES, "Who calls Acme?", None).unwrap();
    let reply = json!({ "channel": SALES, "text": "Atlas can", "thread_ts": parent.ts });
    world.api("chat.postMessage", reply).await;
    let channel = world.get(&format!("/?as={BOB}&channel={SALES}")).await;
    assert!(channel.contains("1 reply") && !channel.contains("Atlas can"), "{channel}");
    let thread = world.get(&format!("/?as={BOB}&channel={SALES}&thread={}", parent.ts)).await;
    assert!(thread.contains("Atlas can") && thread.contains("data-testid=\"reply\""), "{thread}");
}

#[tokio::test]
async fn the_home_tab_is_shown_to_its_owner() {
    let world = World::start(None).await;
    let view = json!({ "type": "home", "blocks": [{ "type": "header", "text": words("Waiting for you") }] });
    world.api("views.publish", json!({ "user_id": ALICE, "view": view })).await;
    assert!(world.get(&format!("/home?as={ALICE}")).await.contains("Waiting for you"));
    assert!(world.get(&format!("/home?as={BOB}")).await.contains("has not published a Home tab"));
    assert!(world.get(&format!("/about?as={BOB}")).await.contains("An app in the workspace"));
}

#[tokio::test]
async fn the_page_allows_only_its_own_files_and_nothing_inline() {
    let world = World::start(None).await;
    let evil = "<script>alert(1)</script>\r\n\"><img src=x onerror=alert(1)>";
    world.slack.say(ALICE, SALES, evil, None).unwrap();
    let url = format!("{}/?as={ALICE}&channel={SALES}&thread=%22%3E%3Cscript%3E", world.slack.origin());
    let answer = world.http.get(url).send().await.unwrap();
    let policy = answer.headers().get("content-security-policy").unwrap().to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let page = answer.text().await.unwrap();
    assert_eq!(page.matches("<script").count(), 3, "{page}");
    assert_eq!(page.matches("<script src=\"/assets/").count(), 3, "{page}");
    assert!(!page.contains("<img") && !page.contains(" style=") && !page.contains("<style"), "{page}");
    for asset in ["page.css", "page.js", "htmx.js", "sse.js", "chevron.svg", "icon.svg"] {
        assert!(world.get(&format!("/assets/{asset}")).await.len() > 100, "{asset}");
    }
}

#[tokio::test]
async fn changes_reach_an_open_page_and_name_their_place() {
    let world = World::start(None).await;
    let live = format!("/live?as={ALICE}&channel={SALES}");
    let said = world
        .live_until(&live, "Lunch?", async || {
            world.slack.say(BOB, SALES, "Lunch?", None).unwrap();
        })
        .await;
    assert!(said.contains("hx-swap-oob=\"beforeend:#messages\""), "{said}");
    assert!(!said.contains("id=\"sidebar\""), "{said}");
}
