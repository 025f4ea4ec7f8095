//! Connections that became something else, such as WebSockets: bytes go both ways until one side closes. They count as
//! in flight until then.

use std::rc::Rc;

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::{
    account::Account,
    connections::Flight,
    core_state::{Core, OpenConnection},
};

/// Relays in the background.
pub(crate) fn relay(core: Rc<Core>, client: OnUpgrade, upstream: OnUpgrade, flight: Flight, account: Account) {
    let open = OpenConnection::open(core);
    tokio::task::spawn_local(async move {
        let account = carry(client, upstream, account).await;
        drop((flight, account, open));
    });
}

async fn carry(client: OnUpgrade, upstream: OnUpgrade, mut account: Account) -> Account {
    match tokio::try_join!(client, upstream) {
        Ok((client, upstream)) => {
            let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
            // Such connections end by a reset as often as by a close: it says nothing about the switch.
            if let Ok((_, to_client)) = tokio::io::copy_bidirectional(&mut client, &mut upstream).await {
                account.sent(to_client as usize);
            }
        }
        Err(_) => account.failed(),
    }
    account
}
