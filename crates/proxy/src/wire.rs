//! What goes over the control socket: HTTP/1.1 with JSON.
//!
//! | request | answer |
//! |---|---|
//! | `PUT /table` (a route table) | 200 when every core follows it; 409 with the present pair when it is older |
//! | `PUT /table/pass-on` | the same, from the process that replaces this one |
//! | `GET /traffic` | `ports::Traffic` |
//! | `GET /status` | [`ProxyStatus`] |

use serde::{Deserialize, Serialize};
use shipway_core::ports::Fault;

use crate::table::Stamp;

/// The socket's name in the proxy's folder.
pub(crate) const CONTROL_SOCKET: &str = "control.sock";

/// Where a process hands a table on to the one that it replaces.
pub(crate) const PASS_ON_PATH: &str = "/table/pass-on";

/// Who the proxy is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProxyStatus {
    /// Its process.
    pub pid: u32,
    /// The version of its program.
    pub version: String,
    /// The version of the control protocol that it speaks.
    pub protocol: u32,
    /// Changes with every start.
    pub boot: String,
    /// The table that it follows.
    pub epoch: u64,
    /// The table that it follows.
    pub generation: u64,
    /// How many cores it uses.
    pub workers: usize,
    /// Where it takes requests.
    pub address: std::net::SocketAddr,
    /// Where it takes links.
    pub link_port: u16,
}

/// An answer that says no.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) fault: Fault,
    /// The pair that it has, when the one that came was older.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) present: Option<Stamp>,
}
