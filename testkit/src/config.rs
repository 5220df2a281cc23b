//! How the service is configured for a local Slack.

use countersign::{
    config::{DatabaseConfig, LimitsConfig, RetentionConfig, ServeConfig, SlackConfig},
    storage,
};
use sandbox::slack::Slack;

/// 32 bytes in base64. What it seals is dropped with the database.
const ENCRYPTION_KEY: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

/// One workspace whose Slack posts to the service, and webhooks that may go to this machine.
pub(crate) fn for_local_slack(slack: &Slack, database_url: &str) -> anyhow::Result<ServeConfig> {
    Ok(ServeConfig {
        database: DatabaseConfig {
            database_url: database_url.into(),
            encryption_key: Some(ENCRYPTION_KEY.into()),
            limits: storage::Limits::SERVE,
        },
        slack: SlackConfig {
            slack_bot_token: Some(slack.bot_token().into()),
            slack_client_id: None,
            slack_client_secret: None,
            slack_api_url: slack.api_url(),
            find_lost_prompts: false,
            slack_proxy: None,
        },
        listen: "127.0.0.1:0".parse()?,
        slack_signing_secret: Some(slack.signing_secret().into()),
        slack_app_token: None,
        public_url: None,
        admins: Vec::new(),
        signing_key_file: Vec::new(),
        log_export: None,
        webhook_allow: vec!["127.0.0.0/8".parse()?],
        limits: LimitsConfig::default(),
        retention: RetentionConfig::default(),
        // Each connection costs Postgres milliseconds to start and to plan its first statements.
        database_connections: 8,
    })
}

/// Socket Mode: Slack sends through connections that the service opens, and posts nothing to it.
pub fn use_socket_mode(config: &mut ServeConfig, slack: &Slack) {
    slack.change_app(|app| app.socket_mode = true);
    config.slack_app_token = Some(slack.app().app_token.into());
    config.slack_signing_secret = None;
}
