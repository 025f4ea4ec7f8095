//! IP addresses and networks, as Go's `net/netip` reads and writes them.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use indexmap::IndexMap;
use num_bigint::{BigInt, Sign};
use num_traits::{Signed, ToPrimitive};

use super::super::CallError;
use super::super::arguments::{Outcome, any, big_integer, int, text};
use crate::data::Data;

/// An address, with a zone if it is one of version 6 that has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    ip: IpAddr,
    zone: Option<String>,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.ip)?;
        self.zone.as_ref().map_or(Ok(()), |zone| write!(f, "%{zone}"))
    }
}

impl Address {
    /// The address in an argument: text, the bytes of text, or a list of 4 or 16 bytes.
    pub(super) fn of(args: &[Data], at: usize) -> Result<Self, CallError> {
        match any(args, at)? {
            Data::String(text) => Self::parse(text),
            Data::Bytes(bytes) => Self::parse(std::str::from_utf8(bytes).map_err(|_| invalid("these bytes"))?),
            Data::List(elements) => Self::from_elements(elements),
            other => Err(CallError::new(format!("invalid type {} for an IP address", other.kind_name()))),
        }
    }

    fn from_elements(elements: &[Data]) -> Result<Self, CallError> {
        let byte = |element: &Data| match element {
            Data::Number(number) if number.is_int() => number.to_i64().and_then(|value| u8::try_from(value).ok()),
            _ => None,
        };
        let bytes: Option<Vec<u8>> = elements.iter().map(byte).collect();
        bytes.and_then(|bytes| Self::from_bytes(&bytes)).ok_or_else(|| invalid("this list"))
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
        let ip = v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok()?;
        Some(Self { ip, zone: None })
    }

    pub(super) fn parse(text: &str) -> Result<Self, CallError> {
        let (address, zone) = match text.split_once('%') {
            Some((address, zone)) => (address, Some(zone.to_owned())),
            None => (text, None),
        };
        let ip: Option<IpAddr> = address.parse().ok();
        match (ip, &zone) {
            (Some(_), Some(zone)) if zone.is_empty() => Err(invalid(text)),
            (Some(IpAddr::V4(_)), Some(_)) | (None, _) => Err(invalid(text)),
            (Some(ip), _) => Ok(Self { ip, zone }),
        }
    }

    fn octets(&self) -> Vec<u8> {
        match self.ip {
            IpAddr::V4(ip) => ip.octets().to_vec(),
            IpAddr::V6(ip) => ip.octets().to_vec(),
        }
    }

    fn bits(&self) -> u32 {
        if self.is_v4() { 32 } else { 128 }
    }

    pub(super) fn is_v4(&self) -> bool {
        self.ip.is_ipv4()
    }

    pub(super) fn is_v6(&self) -> bool {
        self.ip.is_ipv6()
    }

    /// The address; one of version 4 that is written as version 6 counts as what it is.
    fn unmapped(&self) -> IpAddr {
        self.ip.to_canonical()
    }

    pub(super) fn is_loopback(&self) -> bool {
        self.unmapped().is_loopback()
    }

    pub(super) fn is_multicast(&self) -> bool {
        self.unmapped().is_multicast()
    }

    pub(super) fn is_interface_local_multicast(&self) -> bool {
        matches!(self.unmapped(), IpAddr::V6(ip) if ip.segments()[0] & 0xff0f == 0xff01)
    }

    pub(super) fn is_link_local_multicast(&self) -> bool {
        match self.unmapped() {
            IpAddr::V4(ip) => ip.octets()[..3] == [224, 0, 0],
            IpAddr::V6(ip) => ip.segments()[0] & 0xff0f == 0xff02,
        }
    }

    pub(super) fn is_link_local_unicast(&self) -> bool {
        match self.unmapped() {
            IpAddr::V4(ip) => ip.is_link_local(),
            IpAddr::V6(ip) => ip.segments()[0] & 0xffc0 == 0xfe80,
        }
    }

    pub(super) fn is_global_unicast(&self) -> bool {
        let nobody = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::BROADCAST), Ipv6Addr::UNSPECIFIED.into()];
        !nobody.contains(&self.unmapped())
            && !self.is_loopback()
            && !self.is_multicast()
            && !self.is_link_local_unicast()
    }

    pub(super) fn is_unspecified(&self) -> bool {
        self.zone.is_none() && self.ip.is_unspecified()
    }

    /// The address so many further.
    fn plus(&self, offset: &BigInt) -> Result<Self, CallError> {
        let out = |side: &str| CallError::new(format!("the address is out of range ({side})"));
        let octets = self.octets();
        let sum = BigInt::from_bytes_be(Sign::Plus, &octets) + offset;
        if sum.is_negative() {
            return Err(out("underflow"));
        }
        let sum = sum.to_u128().filter(|sum| self.is_v6() || u32::try_from(*sum).is_ok());
        let sum = sum.ok_or_else(|| out("overflow"))?;
        let bytes = sum.to_be_bytes();
        Self::from_bytes(&bytes[16 - octets.len()..]).ok_or_else(|| out("overflow"))
    }
}

fn invalid(what: &str) -> CallError {
    CallError::new(format!("{what:?} is no IP address"))
}

/// A network: an address, and how many of its first bits the network is.
pub(super) struct Prefix {
    address: Address,
    length: u32,
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

impl Prefix {
    /// The network in an argument, which is text or the bytes of text.
    pub(super) fn of(args: &[Data], at: usize) -> Result<Self, CallError> {
        match any(args, at)? {
            Data::String(text) => Self::parse(text),
            Data::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => Self::parse(text),
                Err(_) => Err(CallError::new("these bytes are no network")),
            },
            other => Err(CallError::new(format!("invalid type {} for a network", other.kind_name()))),
        }
    }

    fn parse(text: &str) -> Result<Self, CallError> {
        let wrong = |why: &str| CallError::new(format!("{text:?} is no network: {why}"));
        let (address, length) = text.rsplit_once('/').ok_or_else(|| wrong("there is no /"))?;
        let address = Address::parse(address)?;
        if address.zone.is_some() {
            return Err(wrong("its address has a zone"));
        }
        let plain =
            length.bytes().all(|digit| digit.is_ascii_digit()) && !(length.len() > 1 && length.starts_with('0'));
        let length = length.parse().ok().filter(|length| plain && *length <= address.bits());
        Ok(Self { length: length.ok_or_else(|| wrong("what follows the / is no count of its bits"))?, address })
    }

    /// The bits of the network, and those of the hosts in it.
    fn masks(&self) -> (u128, u128) {
        let all = if self.address.is_v4() { u128::from(u32::MAX) } else { u128::MAX };
        let hosts = all.checked_shr(self.length).unwrap_or(0);
        (all & !hosts, hosts)
    }

    fn value(address: &Address) -> u128 {
        match address.ip {
            IpAddr::V4(ip) => u128::from(ip.to_bits()),
            IpAddr::V6(ip) => ip.to_bits(),
        }
    }

    /// The address of the same version with these bits.
    fn address_of(&self, value: u128) -> Address {
        let ip = match self.address.ip {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(value as u32)),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(value)),
        };
        Address { ip, zone: None }
    }

    fn contains(&self, address: &Address) -> bool {
        let (network, _) = self.masks();
        let same_version = address.is_v4() == self.address.is_v4() && address.zone.is_none();
        same_version && Self::value(address) & network == Self::value(&self.address) & network
    }
}

pub(super) fn asked(args: &[Data], question: fn(&Address) -> bool) -> Outcome {
    Ok(Data::Bool(question(&Address::of(args, 0)?)))
}

fn bytes_listed(bytes: &[u8]) -> Data {
    Data::List(bytes.iter().map(|byte| int(*byte)).collect())
}

pub(super) fn parse(args: &[Data]) -> Outcome {
    Ok(bytes_listed(&Address::parse(text(args, 0)?)?.octets()))
}

pub(super) fn to_four_bytes(args: &[Data]) -> Outcome {
    let address = Address::of(args, 0)?;
    match address.ip {
        IpAddr::V4(ip) => Ok(bytes_listed(&ip.octets())),
        IpAddr::V6(_) => Err(CallError::new(format!("{address} is not of version 4"))),
    }
}

pub(super) fn to_sixteen_bytes(args: &[Data]) -> Outcome {
    let octets = match Address::of(args, 0)?.ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    };
    Ok(bytes_listed(&octets))
}

/// The address so many further; in a network, if that is what was given.
pub(super) fn add(args: &[Data]) -> Outcome {
    let offset = big_integer(args, 1)?;
    if let Ok(prefix) = Prefix::of(args, 0) {
        let address = prefix.address.plus(offset)?;
        return Ok(Data::string(Prefix { address, ..prefix }.to_string()));
    }
    let address = Address::of(args, 0)?;
    Ok(Data::string(address.plus(offset)?.to_string()))
}

/// The network so many networks of its size further.
pub(super) fn add_networks(args: &[Data]) -> Outcome {
    let prefix = Prefix::of(args, 0)?;
    let offset = big_integer(args, 1)? << (prefix.address.bits() - prefix.length);
    let address = prefix.address.plus(&offset)?;
    Ok(Data::string(Prefix { address, ..prefix }.to_string()))
}

pub(super) fn parse_cidr(args: &[Data]) -> Outcome {
    let prefix = Prefix::parse(text(args, 0)?)?;
    let (network, hosts) = prefix.masks();
    let first = Prefix::value(&prefix.address) & network;
    let shown = |value| Data::string(prefix.address_of(value).to_string());
    let mut parts = IndexMap::new();
    parts.insert("prefix_mask".into(), shown(network));
    parts.insert("prefix_len".into(), int(prefix.length));
    parts.insert("prefix_addr".into(), shown(first));
    if prefix.address.is_v4() {
        parts.insert("broadcast_addr".into(), shown(first | hosts));
    }
    Ok(Data::Struct(Box::new(parts)))
}

pub(super) fn is_in_cidr(args: &[Data]) -> Outcome {
    let address = Address::of(args, 0)?;
    Ok(Data::Bool(Prefix::of(args, 1)?.contains(&address)))
}

/// Version 4 comes before version 6.
pub(super) fn compare(args: &[Data]) -> Outcome {
    let (left, right) = (Address::of(args, 0)?, Address::of(args, 1)?);
    let order = left.ip.cmp(&right.ip).then_with(|| left.zone.cmp(&right.zone));
    Ok(int(order as i8))
}
