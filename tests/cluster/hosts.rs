//! Several hosts in earnest: executors in network namespaces with addresses of their own, one cut off in the middle of a run and
//! let back in. Needs root and `ip`.

use std::process::Command;
use std::thread;
use std::time::Duration;

use super::{ALL, ended, retries};
use crate::party::{Certificates, Service};
use crate::program::{Baseline, whom};
use crate::warehouse::{Sample, Warehouse, fresh_folder};

/// The host that schedules and runs, and those that work.
const HERE: &str = "10.77.31.1";
const THERE: [(&str, &str); 2] = [("whom-one", "10.77.31.11"), ("whom-two", "10.77.31.12")];
const BRIDGE: &str = "whom-bridge";

fn ip(arguments: &str) -> bool {
    Command::new("ip").args(arguments.split(' ')).status().expect("ip runs").success()
}

/// A network of hosts, gone when it is dropped.
struct Network;

impl Network {
    fn new() -> Self {
        let network = Self;
        let must = |arguments: &str| assert!(ip(arguments), "ip {arguments}");
        must(&format!("link add {BRIDGE} type bridge"));
        must(&format!("addr add {HERE}/24 dev {BRIDGE}"));
        must(&format!("link set {BRIDGE} up"));
        for (host, address) in THERE {
            must(&format!("netns add {host}"));
            must(&format!("link add {host} type veth peer name eth0 netns {host}"));
            must(&format!("link set {host} master {BRIDGE}"));
            must(&format!("link set {host} up"));
            must(&format!("-n {host} addr add {address}/24 dev eth0"));
            must(&format!("-n {host} link set eth0 up"));
            must(&format!("-n {host} link set lo up"));
        }
        network
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for (host, _) in THERE {
            ip(&format!("netns del {host}"));
        }
        ip(&format!("link del {BRIDGE}"));
    }
}

#[test]
#[ignore = "needs root: see the README"]
fn a_host_that_is_cut_off_and_let_back_in_changes_no_byte() {
    let _network = Network::new();
    let names: Vec<&str> = ["localhost", HERE].into_iter().chain(THERE.map(|(_, address)| address)).collect();
    let (certificates, work) = (Certificates::of(&names.join(",")), fresh_folder());
    let mut command = whom();
    command.args(["scheduler", "--bind", &format!("{HERE}:0"), "--host", HERE, "--lost-after", "5"]);
    let scheduler = Service::start(certificates.prove(command.args(["--metrics", &format!("{HERE}:0")])));
    let address = format!("df://{HERE}:{}", scheduler.address.port());
    let executors = THERE.map(|(host, own)| {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", host, env!("CARGO_BIN_EXE_whom"), "executor", "--scheduler", &address]);
        command.args(["--bind", &format!("{own}:0"), "--host", own, "--metrics", &format!("{own}:0"), "--slots", "1"]);
        command.args(["--memory-limit", "1GiB", "--heartbeat", "1", "--work-dir"]).arg(work.path());
        Service::start(certificates.prove(command.env("WHOM_TEST_PAUSE_PARTS", "40")))
    });
    let warehouse = Warehouse::copy(Sample::Tiny);
    let mut command = warehouse.run_command(&[ALL, &["--quiet", "--cluster", &address]].concat());
    let disturbed = certificates.prove(&mut command).spawn().expect("the program starts");
    executors[1].wait_until_at_work();
    assert!(ip(&format!("link set {} down", THERE[1].0)));
    thread::sleep(Duration::from_secs(8));
    assert!(ip(&format!("link set {} up", THERE[1].0)));
    ended(disturbed).expect_success();
    let published = warehouse.published().pop().expect("a published run");
    Baseline::of(Sample::Tiny).published.assert_same_files(&published, "cut off and let back in");
    assert!(retries(&published) >= 1);
    let before = executors[1].figure("whom_executor_parts_begun_total");
    let again = Warehouse::copy(Sample::Tiny);
    let mut command = again.run_command(&[ALL, &["--quiet", "--cluster", &address]].concat());
    let next = certificates.prove(&mut command).spawn().expect("the program starts");
    ended(next).expect_success();
    assert!(executors[1].figure("whom_executor_parts_begun_total") > before, "it is let back in");
}
