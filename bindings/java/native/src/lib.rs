//! What the class `io.versioner.Native` calls. A Rust panic or JNI error in here becomes a Java
//! `RuntimeException`, which the Java side turns into a `VersionerException` of kind `internal`.
//!
//! Clients and spans are known to Java by number, not by address: a number that is not or no longer
//! known is answered with null and can do no harm.

mod codec;
#[cfg(test)]
mod generated;
mod host;
mod numbered;
mod pin;
mod spans;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod thread_end;
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
mod thread_end {
    pub fn on_thread_of_java<T>(body: impl FnOnce() -> T) -> T {
        body()
    }
}

use std::sync::Arc;

use jni::errors::{Result, ThrowRuntimeExAndDefault};
use jni::objects::{JByteArray, JClass, JObject, JString};
use jni::sys::{jint, jlong};
use jni::{Env, EnvUnowned, jni_mangle};
use versioner::{BuildEvent, Client, DeploymentEvent, Error, Explanation, Outcome};

use crate::numbered::Numbered;

static CLIENTS: Numbered<Client> = Numbered::new();

fn open_client(number: jlong) -> Option<Arc<Client>> {
    CLIENTS.get(number)
}

/// Runs the body of an entry. Nothing may unwind into the virtual machine, which would end it.
fn entry<'local, T: Default>(
    mut unowned: EnvUnowned<'local>,
    body: impl FnOnce(&mut Env<'local>) -> Result<T>,
) -> T {
    thread_end::on_thread_of_java(|| unowned.with_env(body).resolve::<ThrowRuntimeExAndDefault>())
}

/// Names everything whose order the two sides must agree on; see [`codec::abi`].
#[jni_mangle("io.versioner.Native")]
pub fn abi<'local>(unowned: EnvUnowned<'local>, _class: JClass<'local>) -> JString<'local> {
    entry(unowned, |env| env.new_string(codec::abi()))
}

/// Makes a client. Answers its number as text, or an encoded outcome that says why there is none.
/// `logger`, a `java.util.function.ObjIntConsumer`, gets messages of `level` and those that matter
/// more; it and `environment` may be null.
#[jni_mangle("io.versioner.Native")]
pub fn open<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    options: JByteArray<'local>,
    environment: JByteArray<'local>,
    logger: JObject<'local>,
    level: jint,
) -> JByteArray<'local> {
    entry(unowned, |env| {
        let options = env.convert_byte_array(options)?;
        let mut options = codec::options(&options)?;
        if !environment.is_null() {
            let environment = env.convert_byte_array(environment)?;
            options.environment = Some(codec::pairs(&environment).collect());
        }
        if !logger.is_null() {
            options.logger = host::logger(env.new_global_ref(logger)?, level);
        }
        let answer = match Client::new(options) {
            Ok(client) => CLIENTS.insert(client).to_string().into_bytes(),
            Err(error) => codec::encode(error.outcome()),
        };
        env.byte_array_from_slice(&answer)
    })
}

/// Tracks a build with the values in the order of its fields. Answers an encoded outcome, or null
/// if the client is closed.
#[jni_mangle("io.versioner.Native")]
pub fn track_build<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    call(unowned, client, values, |client, values| {
        client.track_build_with(&build(values), &host::interrupt())
    })
}

/// Tracks a deployment; see [`track_build`].
#[jni_mangle("io.versioner.Native")]
pub fn track_deployment<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    call(unowned, client, values, |client, values| {
        client.track_deployment_with(&deployment(values), &host::interrupt())
    })
}

/// Asks whether a deployment may start; see [`track_build`].
#[jni_mangle("io.versioner.Native")]
pub fn check_deployment<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    call(unowned, client, values, |client, values| {
        client.check_deployment_with(&deployment(values), &host::interrupt())
    })
}

/// Tells what [`track_build`] would send. Answers an explanation, or an encoded outcome that says
/// why there is none, or null if the client is closed.
#[jni_mangle("io.versioner.Native")]
pub fn explain_build<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    explain(unowned, client, values, |client, values| {
        client.explain_build(&build(values))
    })
}

/// Tells what [`track_deployment`] would send; see [`explain_build`].
#[jni_mangle("io.versioner.Native")]
pub fn explain_deployment<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    explain(unowned, client, values, |client, values| {
        client.explain_deployment(&deployment(values))
    })
}

/// Reads a path, which comes before the names and values of its query; see [`track_build`].
#[jni_mangle("io.versioner.Native")]
pub fn read<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    call(unowned, client, values, |client, mut values| {
        let path = values.next().unwrap_or_default();
        let rest: Vec<String> = values.collect();
        let query: Vec<(&str, &str)> = rest
            .chunks_exact(2)
            .map(|pair| (pair[0].as_str(), pair[1].as_str()))
            .collect();
        client.read_with(&path, &query, None, &host::interrupt())
    })
}

/// Reads what runs where, of one product or of all; see [`track_build`].
#[jni_mangle("io.versioner.Native")]
pub fn state<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    call(unowned, client, values, |client, mut values| {
        let product = values.next().unwrap_or_default();
        client.state_with(&product, None, &host::interrupt())
    })
}

/// Reads which version of a product is deployed to an environment; see [`track_build`].
#[jni_mangle("io.versioner.Native")]
pub fn deployed_version<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    call(unowned, client, values, |client, mut values| {
        let product = values.next().unwrap_or_default();
        let environment = values.next().unwrap_or_default();
        client.deployed_version_with(&product, &environment, None, &host::interrupt())
    })
}

/// The texts that came, one after the other.
type Values = std::vec::IntoIter<String>;

fn build(mut values: Values) -> BuildEvent {
    let mut event = BuildEvent::default();
    for (field, value) in BuildEvent::FIELDS.iter().zip(values.by_ref()) {
        if let Some(member) = event.field_mut(field.name) {
            *member = value;
        }
    }
    event.allow_literal = is_true(values.next());
    event.timeout = values.next().and_then(|text| codec::seconds(&text));
    event.idempotency_key = values.next().unwrap_or_default();
    event
}

fn deployment(mut values: Values) -> DeploymentEvent {
    let mut event = DeploymentEvent::default();
    for (field, value) in DeploymentEvent::FIELDS.iter().zip(values.by_ref()) {
        if let Some(member) = event.field_mut(field.name) {
            *member = value;
        }
    }
    event.skip_preflight_checks = values.next().and_then(|flag| flag.parse().ok());
    event.allow_literal = is_true(values.next());
    event.timeout = values.next().and_then(|text| codec::seconds(&text));
    event.skip_reason = values.next().unwrap_or_default();
    event.idempotency_key = values.next().unwrap_or_default();
    event.part = values.next().unwrap_or_default();
    event.lease = values.next().and_then(|text| codec::seconds(&text));
    event.wait = values.next().and_then(|text| codec::seconds(&text));
    event.wait_for = values.next().unwrap_or_default();
    event.wait_superseded = values.next().unwrap_or_default();
    event
}

fn is_true(flag: Option<String>) -> bool {
    flag.is_some_and(|flag| flag == "true")
}

fn call<'local>(
    unowned: EnvUnowned<'local>,
    client: jlong,
    values: JByteArray<'local>,
    call: impl FnOnce(&Client, Values) -> std::result::Result<Outcome, Error>,
) -> JByteArray<'local> {
    entry(unowned, |env| {
        let Some(client) = open_client(client) else {
            return Ok(JByteArray::null());
        };
        let ended = call(&client, texts(env, values)?);
        let outcome = ended.unwrap_or_else(Error::into_outcome);
        pin::unless_answered(&outcome);
        env.byte_array_from_slice(&codec::encode(&outcome))
    })
}

fn explain<'local>(
    unowned: EnvUnowned<'local>,
    client: jlong,
    values: JByteArray<'local>,
    explain: impl FnOnce(&Client, Values) -> std::result::Result<Explanation, Error>,
) -> JByteArray<'local> {
    entry(unowned, |env| {
        let Some(client) = open_client(client) else {
            return Ok(JByteArray::null());
        };
        let answer = match explain(&client, texts(env, values)?) {
            Ok(explanation) => codec::encode_explanation(&explanation),
            Err(error) => codec::encode(error.outcome()),
        };
        env.byte_array_from_slice(&answer)
    })
}

fn texts(env: &mut Env, values: JByteArray) -> Result<Values> {
    let values = env.convert_byte_array(values)?;
    let texts: Vec<String> = codec::split(&values).collect();
    Ok(texts.into_iter())
}

/// Ends the calls of a client that are in progress.
#[jni_mangle("io.versioner.Native")]
pub fn cancel<'local>(unowned: EnvUnowned<'local>, _class: JClass<'local>, client: jlong) {
    entry(unowned, |_| {
        if let Some(client) = open_client(client) {
            client.cancel();
        }
        Ok(())
    })
}

/// Ends the calls of a client that are in progress, and frees it after the last of them.
#[jni_mangle("io.versioner.Native")]
pub fn close<'local>(unowned: EnvUnowned<'local>, _class: JClass<'local>, client: jlong) {
    entry(unowned, |_| {
        let removed: Option<Arc<Client>> = CLIENTS.remove(client);
        if let Some(client) = removed {
            client.cancel();
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jni::{InitArgsBuilder, JavaVM, jni_str};

    #[test]
    fn a_panic_becomes_a_java_exception() {
        let arguments = InitArgsBuilder::new().build().expect("arguments");
        let machine = JavaVM::new(arguments)
            .expect("a Java virtual machine: install a JDK, such as default-jdk-headless");
        machine
            .attach_current_thread(|env| -> Result<()> {
                // SAFETY: the environment of this thread, which is attached.
                let unowned = unsafe { EnvUnowned::from_raw(env.get_raw()) };
                let answer: JByteArray = entry(unowned, |_| panic!("a fault"));
                assert!(answer.is_null());
                let exception = env.exception_occurred().expect("a pending exception");
                env.exception_clear();
                assert!(env.is_instance_of(&exception, jni_str!("java/lang/RuntimeException"))?);
                Ok(())
            })
            .expect("an attached thread");
    }
}
