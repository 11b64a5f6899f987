use lian_core::{checkpoint::cosign, keys::SecretKey, note::SignatureType, note::SignerKey};

use super::*;
use crate::plain::Block;

/// No bit of a row can be flipped so that it still reads, unless it then says something else.
fn no_bit_flips(bytes: &[u8], read: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    assert_eq!(read(bytes).as_deref(), Some(bytes));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.to_vec();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(read(&flipped).is_none_or(|again| again == flipped), "bit {bit}");
    }
    for length in 0..bytes.len() {
        assert!(read(&bytes[..length]).is_none_or(|again| again == bytes[..length]), "{length} bytes");
    }
    let longer = [bytes, &[0]].concat();
    assert!(read(&longer).is_none_or(|again| again == longer), "a byte more");
}

fn stream(name: &str, state: State) -> Stream {
    let refused = vec![(Digest([8; 32]), 71), (Digest([9; 32]), 72)];
    let base = Stream::new(name);
    Stream { version: 3, logged: 5, last: 72, acc: Digest([7; 32]), state, refused, ..base }
}

fn guarantee_with(draws: usize) -> State {
    let draw = |at: usize| {
        format!(
            r#"{{"adjusted":-5,"amount":10,"charges":1,"claimed":0,"declaration":"CA__15{at:08}","draw":{},"due_on":"2026-12-07","importer":"12345675","paid_charges":0,"paid_tax":2}}"#,
            at + 1
        )
    };
    let pieces: Vec<Value<'static>> =
        (0..draws).map(|at| Value::read(draw(at).as_bytes()).unwrap().into_owned()).collect();
    let text = concat!(
        r#"{"bank":"004","branch":"0037","called":0,"claims":[],"claims_made":0,"debtor":"12345675","#,
        r#""draws":[],"draws_made":9,"from":"2026-11-01","kind":"independent","limit":900000,"no":"FB-1","#,
        r#""outstanding":0,"purpose":"importer","refunds":0,"scope":"all","status":"active","strays":0,"#,
        r#""tax_types":["duty"],"terms":"#,
        r#""0101010101010101010101010101010101010101010101010101010101010101","to":"2027-10-31","unsecured":[]}"#,
    );
    let mut value = Value::read(text.as_bytes()).unwrap().into_owned();
    if let Value::Object(members) = &mut value {
        for (name, member) in members {
            match &**name {
                "draws" => *member = Value::List(pieces.clone()),
                "outstanding" => *member = Value::number(4 * draws as u64),
                _ => {}
            }
        }
    }
    State::Guarantee(Arc::new(Some(guarantee::State::from_value(&value).unwrap())))
}

#[test]
fn any_flipped_bit_of_a_stream_s_row_is_refused_or_says_something_else() {
    let rules = Rules { version: 3, ..Rules::standard() };
    let publication =
        registry::Publication { rules: Arc::new(rules), published: 4, activated: Some(u64::from(u32::MAX)) };
    for (name, state) in [
        ("declaration/CA__15494A0012", State::Empty),
        ("declaration/CA__15494A0012", State::Plain(plain::State::Declaration(Some(Block::Held)))),
        ("epoch/3", State::Registry(registry::State::Epoch(2))),
        ("rules/3", State::Registry(registry::State::Rules(publication))),
        ("guarantee/FB-1", guarantee_with(2)),
    ] {
        let bytes = encode_stream(&stream(name, state));
        no_bit_flips(&bytes, |bytes| Some(encode_stream(&decode_stream(name, bytes, None).ok()?)));
    }
}

/// The examples of SPEC.md.
fn family_states() -> [(&'static str, State); 3] {
    let read = |row, text: &str| {
        let value = Value::read(text.as_bytes()).unwrap();
        State::Family(Arc::new(families::State::from_value(row, &value).unwrap().unwrap()))
    };
    let draw = read(
        4,
        concat!(
            r#"{"commit_until":1775061200000,"committers":[{"actor":"agency:aac","commitment":"0085ff4e0f"#,
            r#"b744f96ba20c1bdf30f030998d8294c65d7d1d4308ec1f9fe63c7e","random":"5c251d24948874091ca7e1e2"#,
            r#"524d71039ed14ffed86b7fdc37f6df01bc13f2fe"},{"actor":"bank:004","commitment":"601a22b5a8fce"#,
            r#"2af818d264306fba3337906cc1fab8e93a9c1f07df1fc19ac6e","random":"4eb573d49e5ac1c7a47488b42f9"#,
            r#"e4948fda61a7129d7a99dc6e2583181433ea6"},{"actor":"system:draws","commitment":null,"random""#,
            r#":null}],"count":1,"epoch":2,"late":false,"members":60,"opened_at":1774974800000,"opener":""#,
            r#"ethics","organisations":2,"outcome":{"drawn":["ethics/115-000054"],"epoch":4,"seed":"2f87f"#,
            r#"86aa55e561a452e7af06cd693e4e8ad8eeabd8f98d0d2d9bf60d711f094"},"period":"2026Q1","populatio"#,
            r#"n":"23ba020e050de6aff02d09378991332633cc6a7f0c2f46f36c9b371541e6e259","prefix":"ethics/",""#,
            r#"reveal_seconds":259200,"scheme":"ethics_sample","sealed_at":1775061200000}"#,
        ),
    );
    let registration = read(
        5,
        concat!(
            r#"{"acknowledged":null,"activity":null,"amended":[],"basis":"none","by":"officer:7f3k","closed_on":"2026-"#,
            r#"02-02","disposed":{"by":"officer:e001","disposal":"returned","head":null,"on":"2026-02-02""#,
            r#"},"due_on":"2026-02-05","head":false,"interested":true,"logged":{"band":"above_standard",""#,
            r#"by":"officer:e001","on":"2026-02-02","received_on":"2026-02-02","source_total_over":false,"#,
            r#""within_three_days":true},"on":"2026-02-02","reported_on":"2026-02-02","review":{"by":"off"#,
            r#"icer:e001","on":"2026-04-03","outcome":"ok","unit":"office:ethics"},"sampled":{"on":"2026-"#,
            r#"04-03","quarter":"2026Q1"},"seen":{"approved":true,"by":"officer:c29x","on":"2026-02-02"},"#,
            r#""status":"reviewed","type":"gift","unit":"office:CA"}"#,
        ),
    );
    let run = read(
        5,
        concat!(
            r#"{"closed_on":null,"drawn":[{"no":"115-000123","outcome":null}],"late":false,"opened_on":"2"#,
            r#"026-04-14","quarter":"2026Q1"}"#,
        ),
    );
    [("draw/ethics_sample/2026Q1", draw), ("ethics/115-000001", registration), ("ethics_run/2026Q1", run)]
}

#[test]
fn any_flipped_bit_of_the_row_of_a_draw_a_registration_or_a_run_is_refused_or_says_something_else() {
    for (name, state) in family_states() {
        let whole = stream(name, state);
        let bytes = encode_stream(&whole);
        assert_eq!(decode_stream(name, &bytes, None).unwrap().state, whole.state, "{name}");
        no_bit_flips(&bytes, |bytes| Some(encode_stream(&decode_stream(name, bytes, None).ok()?)));
    }
}

#[test]
fn a_guarantee_with_more_open_draws_than_a_json_list_holds_is_kept_in_pieces() {
    for draws in [ITEMS_MAX, ITEMS_MAX + 1, 2 * ITEMS_MAX + 1] {
        let whole = stream("guarantee/FB-1", guarantee_with(draws));
        let bytes = encode_stream(&whole);

        let read = decode_stream("guarantee/FB-1", &bytes, None).unwrap();

        assert_eq!(read.state, whole.state);
        assert_eq!(read.guarantee().unwrap().open_draws().count(), draws);
    }
}

#[test]
fn any_flipped_bit_of_an_epoch_s_row_is_refused_or_says_something_else() {
    let text = lian_core::checkpoint::Checkpoint {
        origin: "log.example".to_owned(),
        size: 9,
        root: Digest([3; 32]),
    }
    .to_text();
    let key = SecretKey::from_seed(&[5; 32]);
    let mut witness = SignerKey::new("w.example", SignatureType::CosignatureV1, key).unwrap();
    let lines = vec![cosign(&text, 1_795_413_903, &mut witness).unwrap()];
    let epoch = Epoch {
        size: 8,
        root: Digest([1; 32]),
        map: Digest([2; 32]),
        closed_at: 77,
        checkpoint: Some(text),
        lines,
        cosigned_at: Some(78),
    };
    let bare = Epoch { checkpoint: None, lines: Vec::new(), cosigned_at: None, ..epoch.clone() };

    for epoch in [epoch, bare] {
        let bytes = encode_epoch(&epoch);
        assert_eq!(decode_epoch(b"e", &bytes).unwrap(), epoch);
        no_bit_flips(&bytes, |bytes| Some(encode_epoch(&decode_epoch(b"e", bytes).ok()?)));
    }
}

#[test]
fn any_flipped_bit_of_a_small_row_is_refused_or_says_something_else() {
    for open_window in [None, Some(0), Some(7)] {
        let small = Small { recorded_at: 1 << 40, rules: 3, open_window };
        no_bit_flips(&small.encode(), |bytes| Some(Small::decode(bytes).ok()?.encode()));
    }
    no_bit_flips(&encode_refusals(-1, 5), |bytes| {
        decode_refusals(b"r", bytes).ok().map(|(day, count)| encode_refusals(day, count))
    });
    no_bit_flips(&7_u32.to_be_bytes(), |bytes| {
        decode_tally(b"d", bytes).ok().map(|count| count.to_be_bytes().to_vec())
    });
    no_bit_flips(&7_u64.to_be_bytes(), |bytes| {
        decode_u64(b"!", bytes).ok().map(|number| number.to_be_bytes().to_vec())
    });
    assert!(decode_tally(b"d", &0_u32.to_be_bytes()).is_err(), "none is no row");
}

#[test]
fn a_key_s_row_holds_the_key_of_its_id_and_no_other() {
    let public = SecretKey::from_seed(&[1; 32]).public();
    let row = key_row(&public.id());
    let bytes = public.as_bytes32();

    assert_eq!(decode_key(&row, bytes), Ok(public));
    for bit in 0..bytes.len() * 8 {
        let mut flipped = *bytes;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(decode_key(&row, &flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn a_guarantee_adds_to_its_bank_and_to_its_debtor_s_term() {
    let parts = crate::ledger::sums::parts(&stream("guarantee/FB-1", guarantee_with(1)));

    assert_eq!(parts[0].0.prefix(), b"t/bank/004\0");
    assert_eq!(parts[1].0.prefix(), b"t/debtor/12345675/2026-11-01/2027-10-31\0");
    for (_, counters) in &parts {
        assert_eq!(crate::ledger::sums::Sums::read(counters).active_available, 900_000 - 4);
    }
}
