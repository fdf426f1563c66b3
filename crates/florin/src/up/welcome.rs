//! What is said when a fleet is up.

use super::{Args, data_flag};
use crate::fleet::Fleet;

/// Addresses, and what to try.
pub fn welcome(fleet: &Fleet, args: &Args) -> String {
    let http = &fleet.endpoints.http;
    let data = data_flag(&args.data);
    let admins: Vec<String> = fleet
        .endpoints
        .services
        .iter()
        .map(|(name, service)| format!("{name:<18}http://{}/metrics", service.admin))
        .collect();
    format!(
        "Florin is up.\n\n  \
         HTTP API  {http}/v1   documentation {http}/docs\n  \
         metrics   {}\n  \
         data      {}   logs in logs/, addresses in endpoints.json\n\n\
         Try:\n  \
         florin simulate{data}\n  \
         curl -H \"Authorization: Bearer $(florin token --role operator{data})\" {http}/v1/wallets\n\n\
         Ctrl-C stops everything.",
        admins.join("\n            "),
        fleet.dir.display(),
    )
}
