//! What the class `io.versioner.Native` calls for spans; see the entries of the crate's root.

use jni::errors::Result;
use jni::objects::{JByteArray, JClass};
use jni::sys::jlong;
use jni::{EnvUnowned, jni_mangle};
use versioner::{Client, End, Error, Outcome, Span};

use crate::numbered::Numbered;
use crate::{Values, build, codec, deployment, entry, host, open_client, pin, texts};

static SPANS: Numbered<Span> = Numbered::new();

/// Begins a deployment with the values in the order of its fields. Answers a span, or an encoded
/// outcome that says why there is none, or null if the client is closed.
#[jni_mangle("io.versioner.Native")]
pub fn begin<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    make(unowned, client, values, |client, values| {
        client.begin_with(&deployment(values), &host::interrupt())
    })
}

/// Makes a span that is not asked for yet; see [`begin`].
#[jni_mangle("io.versioner.Native")]
pub fn prepare<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    make(unowned, client, values, |client, values| {
        client.prepare(&deployment(values))
    })
}

/// Tells that a build begins; see [`begin`].
#[jni_mangle("io.versioner.Native")]
pub fn begin_build<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    make(unowned, client, values, |client, values| {
        let span = client.prepare_build(&build(values))?;
        span.ask(&host::interrupt())?;
        Ok(span)
    })
}

/// Makes a span of a build that is not told of yet; see [`begin`].
#[jni_mangle("io.versioner.Native")]
pub fn prepare_build<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    make(unowned, client, values, |client, values| {
        client.prepare_build(&build(values))
    })
}

/// Makes a span of its text; see [`begin`].
#[jni_mangle("io.versioner.Native")]
pub fn resume<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    saved: JByteArray<'local>,
) -> JByteArray<'local> {
    make(unowned, client, saved, |client, mut values| {
        client.resume_with(&values.next().unwrap_or_default(), &host::interrupt())
    })
}

/// Makes a span of its text, and asks nothing; see [`begin`].
#[jni_mangle("io.versioner.Native")]
pub fn restore<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    client: jlong,
    saved: JByteArray<'local>,
) -> JByteArray<'local> {
    make(unowned, client, saved, |client, mut values| {
        client.restore(&values.next().unwrap_or_default())
    })
}

/// Asks for a span that was prepared. Answers an encoded outcome, or null if there is no such
/// span.
#[jni_mangle("io.versioner.Native")]
pub fn ask<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    span: jlong,
) -> JByteArray<'local> {
    with_span(unowned, span, |span| encoded(span.ask(&host::interrupt())))
}

/// Ends a span with the values in the order of [`codec::END`]; see [`ask`].
#[jni_mangle("io.versioner.Native")]
pub fn end<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    span: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    with_end(unowned, span, values, |span, end| encoded(span.end(end)))
}

/// Decides how a span ends, with the values of [`end`], and tells nobody. Answers as [`renew`].
#[jni_mangle("io.versioner.Native")]
pub fn decide<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    span: jlong,
    values: JByteArray<'local>,
) -> JByteArray<'local> {
    with_end(unowned, span, values, |span, end| done(span.decide(end)))
}

/// Tells what was decided; see [`ask`].
#[jni_mangle("io.versioner.Native")]
pub fn tell_end<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    span: jlong,
) -> JByteArray<'local> {
    with_span(unowned, span, |span| encoded(span.tell_end(None)))
}

/// The text of a span, or an encoded outcome that says why there is none; see [`ask`].
#[jni_mangle("io.versioner.Native")]
pub fn save<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    span: jlong,
) -> JByteArray<'local> {
    with_span(unowned, span, |span| match span.save() {
        Ok(text) => codec::tagged("text", &[&text]),
        Err(error) => codec::encode(error.outcome()),
    })
}

/// Says that a deployment goes on. Answers nothing, or an encoded outcome that says why it could
/// not be said; see [`ask`].
#[jni_mangle("io.versioner.Native")]
pub fn renew<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    span: jlong,
) -> JByteArray<'local> {
    with_span(unowned, span, |span| done(span.renew(&host::interrupt())))
}

/// How often a span is to be renewed, in milliseconds; 0 if it cannot be.
#[jni_mangle("io.versioner.Native")]
pub fn renewal_interval<'local>(
    unowned: EnvUnowned<'local>,
    _class: JClass<'local>,
    span: jlong,
) -> jlong {
    entry(unowned, |_| {
        let interval = SPANS.get(span).and_then(|span| span.renewal_interval());
        Ok(interval.map_or(0, |interval| {
            jlong::try_from(interval.as_millis()).unwrap_or(jlong::MAX)
        }))
    })
}

/// Lets go of a span, which is told `aborted` if it is open and nobody has saved it.
#[jni_mangle("io.versioner.Native")]
pub fn let_go<'local>(unowned: EnvUnowned<'local>, _class: JClass<'local>, span: jlong) {
    entry(unowned, |_| {
        if let Some(span) = SPANS.remove(span) {
            span.let_go();
            // Nobody says how the telling went.
            pin::pin();
        }
        Ok(())
    })
}

/// Forgets a span that Java has no more. Sends nothing.
#[jni_mangle("io.versioner.Native")]
pub fn forget<'local>(unowned: EnvUnowned<'local>, _class: JClass<'local>, span: jlong) {
    entry(unowned, |_| {
        drop(SPANS.remove(span));
        Ok(())
    })
}

fn make<'local>(
    unowned: EnvUnowned<'local>,
    client: jlong,
    values: JByteArray<'local>,
    make: impl FnOnce(&Client, Values) -> std::result::Result<Span, Error>,
) -> JByteArray<'local> {
    entry(unowned, |env| {
        let Some(client) = open_client(client) else {
            return Ok(JByteArray::null());
        };
        let answer = match make(&client, texts(env, values)?) {
            Ok(span) => {
                let started = span.started().map(|outcome| {
                    pin::unless_answered(outcome);
                    codec::encode(outcome)
                });
                let id = span.id().to_owned();
                let number = SPANS.insert(span).to_string();
                let mut answer = codec::tagged("span", &[&number, &id]);
                if let Some(started) = started {
                    codec::append(&mut answer, &started);
                }
                answer
            }
            Err(error) => encoded(Err(error)),
        };
        env.byte_array_from_slice(&answer)
    })
}

fn with_span<'local>(
    unowned: EnvUnowned<'local>,
    span: jlong,
    call: impl FnOnce(&Span) -> Vec<u8>,
) -> JByteArray<'local> {
    entry(unowned, |env| -> Result<JByteArray<'local>> {
        let Some(span) = SPANS.get(span) else {
            return Ok(JByteArray::null());
        };
        env.byte_array_from_slice(&call(&span))
    })
}

fn with_end<'local>(
    unowned: EnvUnowned<'local>,
    span: jlong,
    values: JByteArray<'local>,
    call: impl FnOnce(&Span, &End) -> Vec<u8>,
) -> JByteArray<'local> {
    entry(unowned, |env| {
        let Some(span) = SPANS.get(span) else {
            return Ok(JByteArray::null());
        };
        let end = end_of(texts(env, values)?);
        env.byte_array_from_slice(&call(&span, &end))
    })
}

fn done(ended: std::result::Result<(), Error>) -> Vec<u8> {
    match ended {
        Ok(()) => codec::tagged("done", &[]),
        Err(error) => encoded(Err(error)),
    }
}

fn encoded(ended: std::result::Result<Outcome, Error>) -> Vec<u8> {
    let outcome = ended.unwrap_or_else(Error::into_outcome);
    pin::unless_answered(&outcome);
    codec::encode(&outcome)
}

fn end_of(mut values: Values) -> End {
    let mut next = || values.next().unwrap_or_default();
    End {
        status: next(),
        exit_code: next().parse().ok(),
        signal: next(),
        error_class: next(),
        extra_metadata: next(),
        timeout: codec::seconds(&next()),
    }
}
