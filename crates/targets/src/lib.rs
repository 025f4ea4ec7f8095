//! Drivers: local processes under a shim, and static sites
