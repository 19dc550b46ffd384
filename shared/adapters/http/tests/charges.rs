//! The solutions of exercises 17 and 18 over sockets: ten thousand calls, and whatever a network, a store, a bus and a node
//! may do. At the end an audit, with the properties of the two exercises' stories.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use host::{Host, Odds, Struck, Tempo};
use kit::documents::Docs;
use kit::http::MAX_FLIGHT;
use kit::{Endpoint, Msg};
use live_http::{Caller, NetworkOdds, NetworkStruck, Proxy, serve};
use solution_17::{Bank, OPENING, Sweeper};
use solution_18::{FollowUps, PayOrder, Payments, Standing};

/// A client that asks under another id after each silence: a wrong attempt at exercise 18.
#[allow(dead_code, unreachable_pub)]
#[path = "../../../../solutions/18_http_client/wrong/a_new_id_for_each_try_to_publish.rs"]
mod a_new_id_for_each_try;

/// Each customer spends all that the account holds in the beginning, a cent at a time. One charge too many, and an order
/// of that customer is declined.
const CUSTOMERS: i64 = 100;
const CALLS: i64 = CUSTOMERS * OPENING;

/// Orders that are under way at once, at most.
const AT_ONCE: usize = 400;
const WORKERS: usize = 24;

const ODDS: Odds = Odds { refused: 2, unknown: 2, duplicate: 3, crash: 2, ack_lost: 2, slow: 1 };
const NETWORK: NetworkOdds = NetworkOdds {
    request_lost: 2,
    request_duplicated: 3,
    response_lost: 3,
    late: 2,
    late_max: Duration::from_millis(500),
};

/// How long a caller waits for a response.
const PATIENCE: Duration = Duration::from_secs(1);

/// The longest flight, two minutes, is three seconds here: longer than a request waits at the proxy, and is handled.
const TEMPO: Tempo = Tempo { visibility_timeout: Duration::from_secs(2), speed: 40 };

/// A run that does not come to its end is a failure, not a hang.
const AT_MOST: Duration = Duration::from_secs(180);

/// A shop and a bank, and a network between them.
struct Town {
    shop: Arc<Host>,
    bank: Arc<Host>,
    network: Proxy,
}

impl Town {
    /// Where these handle what is in the queues `payments` and `follow-ups`.
    async fn with<P: Endpoint, F: Endpoint>(odds: Odds, network: NetworkOdds) -> Town {
        let (shop, bank) = (Host::with(1, odds, TEMPO), Host::with(2, odds, TEMPO));
        let (address, _) = serve::<Bank>(bank.clone()).await.expect("a free port");
        let network = Proxy::before(address, 3, network).await.expect("a free port");
        shop.reaches(Arc::new(Caller::new(PATIENCE).knows("bank", network.address())));
        for _ in 0..WORKERS {
            tokio::spawn(shop.clone().serve_queue::<P>("payments"));
            tokio::spawn(shop.clone().serve_queue::<F>("follow-ups"));
            tokio::spawn(bank.clone().serve_queue::<Sweeper>("tombstones"));
        }
        Town { shop, bank, network }
    }

    /// Pays so many orders, and waits until everybody is done, and no request can be late any more.
    async fn pays(&self, calls: i64) {
        for number in 0..calls {
            while self.shop.waiting("payments").await >= AT_ONCE {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
            let pay = PayOrder { order: order(number), account: customer(number % CUSTOMERS), cents: 1 };
            self.shop.publish("payments", Msg::new(format!("pay-{number}"), "PayOrder", &pay)).await;
        }
        for queue in ["payments", "follow-ups"] {
            self.shop.drained(queue).await;
        }
        tokio::time::sleep(MAX_FLIGHT / TEMPO.speed).await;
        self.bank.drained("tombstones").await;
    }
}

fn order(number: i64) -> String {
    format!("order-{number}")
}

fn customer(number: i64) -> String {
    format!("customer-{number}")
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_calls_charge_ten_thousand_times() {
    let town = Town::with::<Payments, FollowUps>(ODDS, NETWORK).await;
    let came_to_its_end = tokio::time::timeout(AT_MOST, town.pays(CALLS)).await;
    let (shop, bank, network) = (town.shop.struck(), town.bank.struck(), town.network.struck());
    let what = format!("shop: {shop:?}\nbank: {bank:?}\nnetwork: {network:?}");
    assert!(came_to_its_end.is_ok(), "it does not come to its end\n{what}");
    let (shops, banks) = (town.shop.docs().await, town.bank.docs().await);

    let standings: Vec<Standing> = (0..CALLS).map(|number| solution_18::view(&shops, &order(number))).collect();
    let paid = standings.iter().filter(|standing| **standing == Standing::Paid).count();
    assert_eq!(paid, CALLS as usize, "every order is paid\n{what}");

    let balances: Vec<i64> = (0..CUSTOMERS).map(|number| solution_17::view(&banks, &customer(number))).collect();
    assert_eq!(balances, vec![0; CUSTOMERS as usize], "every order is charged once\n{what}");

    let mut announced: BTreeMap<String, Vec<Msg>> = BTreeMap::new();
    for msg in town.shop.sent("orders").await {
        announced.entry(msg.id.to_string()).or_default().push(msg);
    }
    assert_eq!(announced.len(), CALLS as usize, "every order is announced under an id of its own\n{what}");
    let same = announced.values().all(|copies| copies.iter().all(|copy| *copy == copies[0]));
    assert!(same, "all copies of an announcement say the same\n{what}");

    assert_eq!(bookings(&banks), 0, "the Bank keeps no booking and no tombstone\n{what}");
    assert!(shops.pairs().all(|(_, body)| !body.contains("/bookings/")), "the shop keeps no address\n{what}");

    assert_everything_struck(shop, bank, network);
}

/// The audit would notice: whoever asks under another id after a silence charges some orders twice.
#[tokio::test(flavor = "multi_thread")]
async fn another_id_after_each_silence_charges_too_often() {
    const SOME: i64 = 500;
    let network = NetworkOdds { response_lost: 10, ..NETWORK };
    let town = Town::with::<a_new_id_for_each_try::Payments, a_new_id_for_each_try::FollowUps>(ODDS, network).await;
    let came_to_its_end = tokio::time::timeout(AT_MOST, town.pays(SOME)).await;
    assert!(came_to_its_end.is_ok(), "it does not come to its end: {:?}", town.network.struck());
    let banks = town.bank.docs().await;
    let left: i64 = (0..CUSTOMERS).map(|number| solution_17::view(&banks, &customer(number))).sum();
    let charged = CUSTOMERS * OPENING - left;
    assert!(charged > SOME, "{SOME} orders were charged {charged} times, although {:?}", town.network.struck());
}

/// Documents of the Bank that are no accounts.
fn bookings(banks: &Docs) -> usize {
    let customers: Vec<String> = (0..CUSTOMERS).map(customer).collect();
    let is_account = |key: &str| customers.iter().any(|customer| key.starts_with(&format!("{customer}/")));
    banks.pairs().filter(|(key, _)| !is_account(key)).count()
}

fn assert_everything_struck(shop: Struck, bank: Struck, network: NetworkStruck) {
    let Struck { refused, took_effect, had_no_effect, duplicates, crashes, acks_lost, expired } = shop;
    let at_the_shop = [refused, took_effect, had_no_effect, duplicates, crashes, acks_lost, expired];
    let at_the_bank = [bank.refused, bank.took_effect, bank.had_no_effect, bank.crashes];
    let NetworkStruck { requests, requests_lost, requests_duplicated, responses_lost, late } = network;
    let under_way = [requests, requests_lost, requests_duplicated, responses_lost, late];
    for times in [&at_the_shop[..], &at_the_bank, &under_way] {
        assert!(times.iter().all(|times| *times > 0), "some fault never struck: {shop:?} {bank:?} {network:?}");
    }
}
