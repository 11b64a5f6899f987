//! The door with encryption, opened by a program that nobody here wrote.

use std::{
    env,
    io::{self, Read, Write},
    path::Path,
    process::{Command, Stdio},
};

use crate::support::door;
use lian_server::http::Tls;

/// Whether there is an openssl to ask; where everything must be tested there has to be.
fn has_openssl() -> bool {
    let found = Command::new("openssl").arg("version").output().is_ok_and(|out| out.status.success());
    if !found {
        assert!(env::var("LIAN_CI").as_deref() != Ok("1"), "openssl is not on PATH, and LIAN_CI=1");
        io::stderr().write_all(b"skipped: openssl is not on PATH\n").unwrap();
    }
    found
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let done = Command::new("openssl").current_dir(folder).args(arguments).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// What `openssl s_client` reads after it sent a request; empty if it did not trust or not reach us.
fn read_with_openssl(folder: &Path, address: &str, version: &str) -> String {
    let mut client = Command::new("openssl")
        .current_dir(folder)
        .args([
            "s_client",
            "-quiet",
            "-verify_return_error",
            "-CAfile",
            "cert.pem",
            version,
            "-connect",
            address,
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    // A client that gave up reads nothing; its empty answer says so.
    let _gave_up = input.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    client.stdout.take().unwrap().read_to_string(&mut answer).unwrap();
    client.wait().unwrap();
    answer
}

#[test]
fn with_certificate_and_key_the_door_speaks_tls_1_3_and_1_2_and_nothing_older() {
    if !has_openssl() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let names = "subjectAltName=IP:127.0.0.1";
    openssl(
        folder.path(),
        &[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "1",
            "-subj",
            "/CN=localhost",
            "-addext",
            names,
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ],
    );
    let mut config = door::config();
    config.tls =
        Some(Tls { certificate: folder.path().join("cert.pem"), key: folder.path().join("key.pem") });
    let door = door::open(config);
    let address = door.address().to_string();

    for version in ["-tls1_3", "-tls1_2"] {
        let answer = read_with_openssl(folder.path(), &address, version);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{version}: {answer}");
    }
    assert_eq!(read_with_openssl(folder.path(), &address, "-tls1_1"), "");
    let mut plain = door.browser();
    plain.send(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    assert!(plain.hangs_up_without_http(), "who does not encrypt gets no answer");
    door.close();
}
