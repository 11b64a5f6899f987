//! scratch
use std::{net::SocketAddr, sync::Arc};
use lian_client::sample::SAMPLE_NAME;
use lian_server::{clock::SystemClock, http::{self, Config}, open::{SystemKeys, open}, service::Service};
use lian_store::disk::RealDisk;
fn main() {
    let folder = std::env::args().nth(1).unwrap();
    let key = |name: &str| lian_core::keys::SecretKey::from_pem(&std::fs::read_to_string(format!("{folder}/keys/{name}.pem")).unwrap()).unwrap();
    let keys = || SystemKeys { log: key("log"), system_log: key("system-log"), admission: key("system-admission") };
    let disk = Arc::new(RealDisk::open(std::path::Path::new(&folder)).unwrap());
    let opened = open(disk, SAMPLE_NAME, &keys(), 0, &mut |_| ()).unwrap();
    let service = Service::start(opened, keys(), Arc::new(SystemClock::new()), 2);
    let mut config = Config::new(SocketAddr::from(([127, 0, 0, 1], 8931)));
    config.open_all = true;
    let door = http::serve(Arc::new(service), config).unwrap();
    println!("{}", door.address());
    std::thread::sleep(std::time::Duration::from_secs(900));
}
