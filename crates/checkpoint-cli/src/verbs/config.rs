//! `config`: what is set, and where it was said.

use clap::ValueEnum;
use serde::Serialize;

use super::Answer;
use crate::context::Context;
use crate::fault::Exit;
use crate::output::{Cell, Column, Rows, style};
use crate::settings::{Settings, Source, masked_url};

const EXAMPLES: &str = "\
Examples:
  $ checkpoint config
  $ CHECKPOINT_STORE=redb://agent.redb checkpoint config -o json";

const COLUMNS: &[Column] = &[
    Column::new("SETTING"),
    Column::new("VALUE").whole(),
    Column::new("FROM").whole(),
];

/// Shows what is set, and where it was said: a flag, the environment, the configuration file
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {}

#[derive(Debug, Serialize)]
struct Row {
    setting: &'static str,
    value: String,
    from: String,
}

impl Args {
    pub(crate) fn run(self, context: &mut Context) -> Answer {
        let rows = rows(&context.settings);
        let mut out = Rows::new(COLUMNS);
        for row in &rows {
            out.push(&mut context.out, row, || {
                vec![
                    Cell::styled(row.setting, style::NAME),
                    row.value.as_str().into(),
                    row.from.as_str().into(),
                ]
            })?;
        }
        out.finish(&mut context.out)?;
        Ok(Exit::Done)
    }
}

fn rows(settings: &Settings) -> Vec<Row> {
    let row = |setting, value, from: &dyn std::fmt::Display| Row {
        setting,
        value,
        from: from.to_string(),
    };
    let mut rows = vec![row(
        "store",
        masked_url(&settings.store.value),
        &settings.store.source,
    )];
    rows.push(match &settings.key {
        Some(key) => row(key.value.name(), key.value.to_string(), &key.source),
        None => row("key_file", "none".to_owned(), &Source::Default),
    });
    rows.push(row(
        "output",
        name(settings.output.value),
        &settings.output.source,
    ));
    rows.push(row(
        "color",
        name(settings.color.value),
        &settings.color.source,
    ));
    let file = settings.file.as_ref();
    rows.push(match file {
        Some((path, true)) => row("config", path.display().to_string(), &"read"),
        Some((path, false)) => row("config", path.display().to_string(), &"not there"),
        None => row("config", "none".to_owned(), &Source::Default),
    });
    rows
}

fn name(value: impl ValueEnum) -> String {
    value
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}
