//! Who asks, and what they may do. Pure: the time is an argument, nothing waits.
//!
//! Two tables decide everything: [`Role::permissions`] says what a role may do, [`ROUTES`] what
//! a route asks for. A route that is not in the table is refused to everybody.

mod permission;
mod principal;
mod route;
mod token;

pub use permission::{Permission, Role};
pub use principal::Principal;
pub use route::{ROUTES, RouteRule, rule};
pub use token::{
    AUDIENCE, CLOCK_SKEW_SECONDS, Claims, ISSUER, TOKEN_FIELDS, TokenError, TokenVerifier,
};
