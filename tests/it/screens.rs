//! The screens of settings, as people use them: the modal, the Home tab, the command.

use sandbox::slack::{Delivery, Feedback, Gesture, Message, Press, Surface, Tab, View};
use serde_json::Value;

use crate::story::{SALES, SOON, TestApp};

/// The words of every toggle.
pub const ALWAYS: &str = "Auto-approve always";

impl TestApp {
    /// Types `/approvals` and this.
    pub async fn command(&self, user: &str, text: &str) -> Delivery {
        self.slack.command(user, SALES, "/approvals", text).await.unwrap()
    }

    /// Types it, and gives the private answer.
    pub async fn answer(&self, user: &str, text: &str) -> Message {
        match self.command(user, text).await.feedback {
            Feedback::Message(message) => {
                assert_eq!(message.ephemeral_for.as_deref(), Some(user));
                *message
            }
            other => panic!("{other:?}"),
        }
    }

    /// The modal that lies on top, once it fits.
    pub async fn modal(&self, user: &str, fits: impl Fn(&View) -> bool) -> View {
        let found = self.slack.wait_for_view(user, fits, SOON).await;
        found.unwrap_or_else(|_| panic!("{:?}", self.slack.view(user).map(|view| view.all_text())))
    }

    /// Opens the settings of one integration: `/approvals`, then its gear.
    pub async fn gear(&self, user: &str, integration: &str) -> View {
        assert!(self.command(user, "").await.is_ok());
        self.modal(user, |view| view.all_text().contains(integration)).await;
        let gear = Press::labelled(Surface::Modal, "⚙ Settings");
        let id = self.integration_id(integration).await;
        assert!(self.slack.press(user, gear.with_value(&id)).await.unwrap().is_ok());
        self.modal(user, |view| view.private_metadata().ends_with(&id)).await
    }

    /// Uses the toggle of an action in the open modal.
    pub async fn toggle(&self, user: &str, action: &str) -> Delivery {
        // If the modal is updated between looking and clicking, look again.
        let deadline = tokio::time::Instant::now() + SOON;
        loop {
            match self.slack.press(user, self.toggling(user, action).await).await {
                Ok(delivery) => return delivery,
                Err(error) => assert!(tokio::time::Instant::now() < deadline, "{error:?}"),
            }
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    }

    /// How the toggle of an action in the open modal is used.
    pub async fn toggling(&self, user: &str, action: &str) -> Press {
        let id = self.action_id(action).await;
        let view = self.slack.view(user).unwrap();
        let boxes = view.check_boxes();
        let toggle = boxes.iter().find(|choice| choice.value.ends_with(&id));
        let block = toggle.unwrap_or_else(|| panic!("{}", view.all_text())).block_id.clone();
        Press::on(Surface::Modal, "toggle").in_block(&block).doing(Gesture::Toggle(ALWAYS.to_owned()))
    }

    /// Opens the Home tab, and gives it once it fits.
    pub async fn home(&self, user: &str, fits: impl Fn(&View) -> bool) -> View {
        assert!(self.slack.open_home(user, Tab::Home).await.unwrap().is_ok());
        self.home_shows(user, fits).await
    }

    /// The Home tab, once it fits.
    pub async fn home_shows(&self, user: &str, fits: impl Fn(&View) -> bool) -> View {
        let found = self.slack.wait_for_home(user, fits, SOON).await;
        found.unwrap_or_else(|_| {
            panic!("{}", self.slack.home(user).map_or_else(|| "no Home".to_owned(), |view| view.all_text()))
        })
    }

    /// Clicks a button of the Home tab that carries this.
    pub async fn click_home(&self, user: &str, label: &str, value: &str) -> Delivery {
        let press = Press::labelled(Surface::Home, label).with_value(value);
        self.slack.press(user, press).await.unwrap()
    }

    /// An action's id, as controls carry it.
    pub async fn action_id(&self, path: &str) -> String {
        let (integration, action) = path.split_once('.').unwrap();
        let id: uuid::Uuid = sqlx::query_scalar(
            "SELECT a.id FROM actions a JOIN integrations i ON i.id = a.integration_id WHERE i.key = $1 AND a.key = $2",
        )
        .bind(integration)
        .bind(action)
        .fetch_one(&self.service.db)
        .await
        .unwrap();
        countersign::domain::ids::ActionId::new(id).to_string()
    }

    /// What *Unlock* carries for an action as it is described now.
    pub async fn unlock_value(&self, path: &str) -> String {
        let action = self.action_id(path).await;
        let id: countersign::domain::ids::ActionId = action.parse().unwrap();
        let version: uuid::Uuid = sqlx::query_scalar("SELECT version_id FROM actions WHERE id = $1")
            .bind(id.uuid())
            .fetch_one(&self.service.db)
            .await
            .unwrap();
        format!("{action}:{}", countersign::domain::ids::ActionVersionId::new(version))
    }

    /// An integration's id, as controls carry it; by key or name.
    pub async fn integration_id(&self, name: &str) -> String {
        let id: uuid::Uuid = sqlx::query_scalar("SELECT id FROM integrations WHERE key = $1 OR name = $1")
            .bind(name)
            .fetch_one(&self.service.db)
            .await
            .unwrap();
        countersign::domain::ids::IntegrationId::new(id).to_string()
    }

    /// How many live grants a user has.
    pub async fn grants_of(&self, user: &str) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM grants WHERE user_id = $1 AND revoked_at IS NULL")
            .bind(user)
            .fetch_one(&self.service.db)
            .await
            .unwrap()
    }

    /// How many audit entries have this action and this user as actor or subject.
    pub async fn audited_by(&self, what: &str, actor: &str) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM audit WHERE what = $1 AND actor = $2")
            .bind(what)
            .bind(actor)
            .fetch_one(&self.service.db)
            .await
            .unwrap()
    }

    /// Connects a user to an integration.
    pub async fn connect(&self, user: &str, integration: &str) {
        assert_eq!(self.api().connect_user(user, integration).await.status, 204);
    }

    /// Sends a payload as another user, with whatever else is changed in it: Slack signs what happened, so this is what
    /// a person could at worst bring about with a view of another's.
    pub async fn forge(&self, mut payload: Value, user: &str, change: impl FnOnce(&mut Value)) -> Delivery {
        payload["user"]["id"] = user.into();
        change(&mut payload);
        self.slack.send_interaction(payload, &sandbox::slack::Signing::default()).await
    }
}
