//! The package `net`: addresses, hosts and URLs as text. Nothing here looks anything up.

pub(super) mod escape;
mod host;
mod ip;
mod url;

use super::arguments::{ANY, BOOL, INT, LIST, Outcome, STRUCT, TEXT, text};
use super::{Builtin, Constant, Package};
use crate::data::Data;
use ip::Address;

pub(super) static PACKAGE: Package = Package {
    path: "net",
    functions: &[
        Builtin::new("SplitHostPort", &[TEXT], LIST, host::split_host_port),
        Builtin::new("JoinHostPort", &[ANY, ANY], TEXT, host::join_host_port),
        Builtin::new("FQDN", &[TEXT], BOOL, host::is_full_name),
        Builtin::new("ParseIP", &[TEXT], LIST, ip::parse),
        Builtin::new("IPv4", &[ANY], BOOL, |args| ip::asked(args, Address::is_v4)),
        Builtin::new("IPv6", &[ANY], BOOL, |args| ip::asked(args, Address::is_v6)),
        Builtin::new("IP", &[ANY], BOOL, |args| ip::asked(args, |_| true)),
        Builtin::new("IPCIDR", &[ANY], BOOL, |args| ip::Prefix::of(args, 0).map(|_| Data::Bool(true))),
        Builtin::new("LoopbackIP", &[ANY], BOOL, |args| ip::asked(args, Address::is_loopback)),
        Builtin::new("MulticastIP", &[ANY], BOOL, |args| ip::asked(args, Address::is_multicast)),
        Builtin::new("InterfaceLocalMulticastIP", &[ANY], BOOL, |args| {
            ip::asked(args, Address::is_interface_local_multicast)
        }),
        Builtin::new("LinkLocalMulticastIP", &[ANY], BOOL, |args| ip::asked(args, Address::is_link_local_multicast)),
        Builtin::new("LinkLocalUnicastIP", &[ANY], BOOL, |args| ip::asked(args, Address::is_link_local_unicast)),
        Builtin::new("GlobalUnicastIP", &[ANY], BOOL, |args| ip::asked(args, Address::is_global_unicast)),
        Builtin::new("UnspecifiedIP", &[ANY], BOOL, |args| ip::asked(args, Address::is_unspecified)),
        Builtin::new("ToIP4", &[ANY], LIST, ip::to_four_bytes),
        Builtin::new("ToIP16", &[ANY], LIST, ip::to_sixteen_bytes),
        Builtin::new("IPString", &[ANY], TEXT, |args| Ok(Data::string(Address::of(args, 0)?.to_string()))),
        Builtin::new("AddIP", &[ANY, INT], TEXT, ip::add),
        Builtin::new("AddIPCIDR", &[ANY, INT], TEXT, ip::add_networks),
        Builtin::new("ParseCIDR", &[TEXT], STRUCT, ip::parse_cidr),
        Builtin::new("InCIDR", &[ANY, ANY], BOOL, ip::is_in_cidr),
        Builtin::new("CompareIP", &[ANY, ANY], INT, ip::compare),
        Builtin::new("PathEscape", &[TEXT], TEXT, |args| escaped(args, escape::path_segment)),
        Builtin::new("PathUnescape", &[TEXT], TEXT, |args| escape::unescaped(text(args, 0)?, false)),
        Builtin::new("QueryEscape", &[TEXT], TEXT, |args| escaped(args, escape::query)),
        Builtin::new("QueryUnescape", &[TEXT], TEXT, |args| escape::unescaped(text(args, 0)?, true)),
        Builtin::new("URL", &[TEXT], BOOL, |args| url::parse(text(args, 0)?).map(|_| Data::Bool(true))),
        Builtin::new("AbsURL", &[TEXT], BOOL, url::is_absolute),
    ],
    constants: &[Constant { name: "IPv4len", cue: "4" }, Constant { name: "IPv6len", cue: "16" }],
};

fn escaped(args: &[Data], escape: fn(&str) -> String) -> Outcome {
    Ok(Data::string(escape(text(args, 0)?)))
}
