package io.versioner;

import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.Supplier;

/** A deployment or build as a body that runs between its start and its end. */
final class Scope {
    private final String what;
    private final LogListener log;
    private final Thread thread = Thread.currentThread();
    private boolean isRunning;
    private boolean isCancelled;

    Scope(String what, LogListener log) {
        this.what = what;
        this.log = log;
    }

    /**
     * Begins, runs the body, and ends.
     *
     * @param scopes of the client, for {@link #interrupt}; known from before it begins, so that no
     *     cancellation falls in between
     */
    <E extends Exception> Outcome run(Set<Scope> scopes, Supplier<Span> begin, Body<E> body)
            throws E {
        scopes.add(this);
        try {
            Span span = begin.get();
            Renewal renewal = new Renewal(span, log);
            try {
                renewal.start();
                enter();
                body.run(span);
            } catch (Throwable error) {
                leave();
                renewal.stop();
                tell(span, isInterruption(error) ? "aborted" : "failed", error);
                throw error;
            }
            leave();
            renewal.stop();
            return completed(span);
        } finally {
            scopes.remove(this);
        }
    }

    /** Interrupts the body; one that has not begun yet does not. */
    synchronized void interrupt() {
        isCancelled = true;
        if (isRunning) {
            thread.interrupt();
        }
    }

    private synchronized void enter() {
        if (isCancelled) {
            throw new CallInterruptedException(
                    "the client was cancelled before the " + what + " began");
        }
        isRunning = true;
    }

    private synchronized void leave() {
        isRunning = false;
    }

    private synchronized boolean isInterruption(Throwable error) {
        if (isCancelled || thread.isInterrupted()) {
            return true;
        }
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
        for (Throwable cause = error; cause != null && seen.add(cause); cause = cause.getCause()) {
            if (cause instanceof InterruptedException
                    || cause instanceof CallInterruptedException) {
                return true;
            }
        }
        return false;
    }

    /** What goes wrong with the telling must not hide why the body ended. */
    private static void tell(Span span, String status, Throwable error) {
        try {
            span.end(End.builder().status(status).errorClass(error.getClass().getName()).build());
        } catch (RuntimeException untold) {
            if (untold != error) {
                error.addSuppressed(untold);
            }
        }
    }

    /** What has succeeded stays so, whoever knows it. */
    private Outcome completed(Span span) {
        try {
            return span.end("completed");
        } catch (VersionerException untold) {
            log.log(
                    LogListener.Level.WARNING,
                    "that the " + what + " completed could not be told: " + untold.getMessage());
            return untold.outcome();
        }
    }
}
