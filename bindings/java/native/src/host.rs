//! What the core asks of the virtual machine during a call, on the thread of the call.

use jni::errors::Result;
use jni::objects::JObject;
use jni::refs::Global;
use jni::{Env, JavaVM, bind_java_type};
use versioner::{Interrupt, Logger};

// Only classes of the platform are bound: a reference to one of the binding's own would keep its
// class loader, and with it this library, for ever.
bind_java_type! {
    HostThread => java.lang.Thread,
    methods {
        static fn current_thread() -> HostThread,
        fn is_interrupted() -> jboolean,
    },
}

bind_java_type! {
    LogConsumer => java.util.function.ObjIntConsumer,
    methods {
        fn accept(message: JObject, level: jint),
    },
}

/// References that an upcall leaves at most.
const LOCAL_REFERENCES: usize = 4;

fn with_env<T: Default>(body: impl FnOnce(&mut Env) -> Result<T>) -> T {
    let answer = JavaVM::singleton().and_then(|machine| {
        machine.with_local_frame(LOCAL_REFERENCES, |env| {
            let answer = body(env);
            // The core goes on whatever happens here, and may not with an exception pending.
            if env.exception_check() {
                env.exception_clear();
            }
            answer
        })
    });
    answer.unwrap_or_default()
}

/// Ends a call once its thread is interrupted; the thread stays so.
pub fn interrupt() -> Interrupt {
    Interrupt::new(|| with_env(|env| HostThread::current_thread(env)?.is_interrupted(env)))
}

/// Hands messages and their levels to a `java.util.function.ObjIntConsumer`, up to a level.
pub fn logger(consumer: Global<JObject<'static>>, last: i32) -> Logger {
    Logger::new(move |level, message| {
        if level as i32 > last {
            return;
        }
        with_env(|env| {
            let message = env.new_string(message)?;
            let consumer = env.new_local_ref(&consumer)?;
            let consumer = env.cast_local::<LogConsumer>(consumer)?;
            consumer.accept(env, &message, level as i32)
        });
    })
}
