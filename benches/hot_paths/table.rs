//! The table that is printed, and the goals in it.

use std::{mem, process::ExitCode};

/// How far a ratio may be from its goal on a machine that does other work as well.
const SLACK: f64 = 2.0;

/// What a figure should be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    AtLeast(f64),
    AtMost(f64),
}

impl Goal {
    /// 1 if the goal is just reached, 2 if it is exceeded by a factor of two.
    fn reached_by(self, value: f64) -> f64 {
        match self {
            Self::AtLeast(goal) => value / goal,
            Self::AtMost(goal) => goal / value,
        }
    }
}

/// One line of the table.
pub(crate) struct Row<'a> {
    pub(crate) name: &'a str,
    pub(crate) measured: String,
    /// What it is compared with, and how much that is.
    pub(crate) compared: String,
    /// Measured divided by compared.
    pub(crate) ratio: Option<f64>,
    pub(crate) goal: Option<Goal>,
    /// What the goal is about, if not about the ratio.
    pub(crate) value: Option<f64>,
    /// How far the ratio may be from its goal.
    slack: f64,
}

impl<'a> Row<'a> {
    /// A figure that depends on the machine.
    pub(crate) fn figure(name: &'a str, measured: String) -> Self {
        Self { name, measured, compared: String::new(), ratio: None, goal: None, value: None, slack: SLACK }
    }

    /// With a goal for the figure itself.
    pub(crate) fn goal(mut self, value: f64, goal: Goal) -> Self {
        (self.value, self.goal) = (Some(value), Some(goal));
        self
    }

    /// A figure beside another one, and a goal for their ratio, if there is one.
    pub(crate) fn ratio(
        name: &'a str,
        measured: String,
        compared: String,
        ratio: f64,
        goal: Option<Goal>,
    ) -> Self {
        Self { name, measured, compared, ratio: Some(ratio), goal, value: None, slack: SLACK }
    }

    /// With another slack than usual: an infinite one for a p99, which in a few seconds is that of the one transaction that
    /// other work on the machine delayed most.
    pub(crate) fn with_slack(mut self, slack: f64) -> Self {
        self.slack = slack;
        self
    }
}

/// Prints lines as they come, and remembers what missed its goal by far, and what went wrong.
pub(crate) struct Table {
    missed: Vec<String>,
    faults: Vec<String>,
}

impl Table {
    pub(crate) fn begin() -> Self {
        println!(
            "\n{:52} {:>14}  {:30} {:>6} {:>8} {:>8}",
            "", "measured", "compared with", "ratio", "goal", "reached"
        );
        Self { missed: Vec::new(), faults: Vec::new() }
    }

    pub(crate) fn row(&mut self, row: &Row<'_>) {
        let ratio = row.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        let goal = match row.goal {
            Some(Goal::AtLeast(goal)) => format!("≥ {goal}"),
            Some(Goal::AtMost(goal)) => format!("≤ {goal}"),
            None => String::new(),
        };
        let reached = row.goal.zip(row.value.or(row.ratio)).map(|(goal, value)| goal.reached_by(value));
        let shown = reached.map(|reached| format!("{:.0} %", reached * 100.0)).unwrap_or_default();
        println!("{:52} {:>14}  {:30} {ratio:>6} {goal:>8} {shown:>8}", row.name, row.measured, row.compared);
        // Only what was measured in the same run is held to its goal: other figures depend on the machine.
        if row.value.is_none() && reached.is_some_and(|reached| reached.is_nan() || reached < 1.0 / row.slack)
        {
            self.missed.push(format!(
                "{}: {ratio}, and the goal is {goal}, with a factor of {} of slack",
                row.name, row.slack
            ));
        }
    }

    /// Something that is not a number: what an instance's failure led to, for instance.
    pub(crate) fn fault(&mut self, fault: String) {
        println!("    FAULT: {fault}");
        self.faults.push(fault);
    }

    /// What missed its goal by far since this was last called.
    pub(crate) fn take_missed(&mut self) -> Vec<String> {
        mem::take(&mut self.missed)
    }

    /// A line about the figures above it.
    pub(crate) fn note(&self, note: &str) {
        let _ = self;
        println!("    {note}");
    }

    /// Says again what went wrong, and what missed its goal by far, which only fails the benchmark if it is asserted.
    pub(crate) fn end(self, missed: &[String], assert_ratios: bool) -> ExitCode {
        println!();
        for fault in &self.faults {
            println!("Fault: {fault}");
        }
        for missed in missed {
            println!("Missed: {missed}");
        }
        let failed = !self.faults.is_empty() || (assert_ratios && !missed.is_empty());
        if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
    }
}

pub(crate) fn per_second(rate: f64) -> String {
    format!("{rate:.0} /s")
}

pub(crate) fn milliseconds(time: f64) -> String {
    format!("{time:.2} ms")
}

/// The middle one of a few measurements.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}
