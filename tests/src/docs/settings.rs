//! `docs/settings.md`: every setting of every service, from the definitions of their flags.

use clap::{Arg, Command, CommandFactory};

use super::{GENERATED, code, table};

/// The page.
pub const PAGE: &str = "docs/settings.md";

/// The page as it should be.
pub fn page() -> String {
    let common = service_flags();
    let names: Vec<&str> = common.iter().map(|arg| arg.get_id().as_str()).collect();
    let mut sections = vec![
        GENERATED.to_owned(),
        "# Settings\n\nEvery setting is a flag and a variable of the same name; the flag wins. \
         `--print-config` shows what a service would run with, without passwords. `florin up` \
         gives its services their settings by itself."
            .to_owned(),
        format!("## Every service\n\n{}", flags(common.iter()).trim_end()),
    ];
    let services = [
        ("ledger-api", ledger_api::Config::command()),
        ("analytics-worker", analytics_worker::Config::command()),
        ("fraud-worker", fraud_worker::Config::command()),
        ("settlement-worker", settlement_worker::Config::command()),
    ];
    for (name, command) in services {
        let own: Vec<&Arg> = command
            .get_arguments()
            .filter(|arg| !names.contains(&arg.get_id().as_str()) && shown(arg))
            .collect();
        let text = if own.is_empty() {
            "No settings of its own.".to_owned()
        } else {
            flags(own.into_iter()).trim_end().to_owned()
        };
        sections.push(format!("## {name}\n\n{text}"));
    }
    format!("{}\n", sections.join("\n\n"))
}

fn service_flags() -> Vec<Arg> {
    let command =
        <service_runtime::ServiceConfig as clap::Args>::augment_args(Command::new("service"));
    command
        .get_arguments()
        .filter(|arg| shown(arg))
        .cloned()
        .collect()
}

fn shown(arg: &Arg) -> bool {
    !arg.is_hide_set() && arg.get_long().is_some() && arg.get_id() != "help"
}

fn flags<'a>(args: impl Iterator<Item = &'a Arg>) -> String {
    let rows = args.map(|arg| {
        let variable = arg.get_env().map(|name| code(&name.to_string_lossy()));
        let defaults: Vec<String> = arg
            .get_default_values()
            .iter()
            .map(|value| value.to_string_lossy().into_owned())
            .filter(|value| !value.is_empty())
            .map(|value| code(&value))
            .collect();
        let default = match (defaults.is_empty(), arg.is_required_set()) {
            (false, _) => defaults.join(" "),
            (true, true) => "required".to_owned(),
            (true, false) => String::new(),
        };
        let help = arg.get_long_help().or_else(|| arg.get_help());
        vec![
            code(&format!("--{}", arg.get_long().unwrap_or_default())),
            variable.unwrap_or_default(),
            default,
            help.map(|text| text.to_string().replace('\n', " "))
                .unwrap_or_default(),
        ]
    });
    table(&["flag", "variable", "default", "what"], rows)
}
