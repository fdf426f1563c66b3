//! temporary
pub const PART: service_runtime::migrate::Part = service_runtime::migrate::Part {
    schema: "analytics",
    role: "florin_analytics",
};
#[derive(Debug, Clone, clap::Parser)]
pub struct Config {
    #[command(flatten)]
    pub service: service_runtime::ServiceConfig,
}
impl service_runtime::HasService for Config {
    fn service(&self) -> &service_runtime::ServiceConfig {
        &self.service
    }
}
pub async fn run(_: Config, _: service_runtime::Process) -> anyhow::Result<()> {
    Ok(())
}
pub async fn migrate(owner: &mut sqlx::PgConnection, password: Option<&str>) -> anyhow::Result<()> {
    service_runtime::migrate::apply(owner, PART, password, &[]).await
}
