//! `Problem.type` leads somewhere.

use ledger_api::http::{ADVICE, ErrorCode};

use crate::world::World;

#[tokio::test(flavor = "multi_thread")]
async fn every_problem_leads_to_a_page_that_says_what_to_do() {
    let world = World::start().await;
    for row in ADVICE {
        let page = world.get("", &format!("/errors/{}", row.code)).await;
        assert_eq!(page.status, 200, "{}: {}", row.code, page.text);
        assert_eq!(page.header("content-type"), "text/plain; charset=utf-8");
        for said in [
            row.code.as_str(),
            row.code.title(),
            row.then,
            &row.code.status_number().to_string(),
        ] {
            assert!(page.text.contains(said), "{}: {}", row.code, page.text);
        }
    }
    assert_eq!(ADVICE.len(), ErrorCode::ALL.len());
    for path in ["/errors/nonsense", "/errors/", "/errors/%ff", "/errors/a/b"] {
        world.get("", path).await.refused(404, "not_found", path);
    }
    world.close().await;
}
