package io.versioner;

import java.time.Duration;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;
import java.util.function.Supplier;

/**
 * A deployment or build as a body that runs between its start and its end. A process that ends
 * meanwhile, by a signal or {@code System.exit}, tells {@code aborted} before it is gone.
 */
final class Scope {
    /** How long a process that ends waits for that. */
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    /** How long the asking takes to end itself, with an {@code aborted} of its own. */
    private static final long ASKING_MILLIS = PATIENCE.toMillis() + 1000;

    private final String what;
    private final LogListener log;
    private final Thread thread = Thread.currentThread();
    private boolean isRunning;
    private boolean isCancelled;
    private boolean isOver;
    private Span span;

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
        Thread hook = watchTheProcess();
        try {
            Span span = begin.get();
            Renewal renewal = new Renewal(span, log);
            try {
                renewal.start();
                enter(span);
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
            over(hook);
        }
    }

    /** Begins to do something about the end of the process; null if that has begun already. */
    private Thread watchTheProcess() {
        Thread hook = new Thread(this::leaveWithTheProcess, "versioner-exit");
        try {
            Runtime.getRuntime().addShutdownHook(hook);
            return hook;
        } catch (IllegalStateException ending) {
            return null;
        }
    }

    private void over(Thread hook) {
        synchronized (this) {
            isOver = true;
            notifyAll();
        }
        if (hook != null) {
            try {
                Runtime.getRuntime().removeShutdownHook(hook);
            } catch (IllegalStateException ending) {
                // It runs, and finds that there is nothing to do.
            }
        }
    }

    /**
     * Whatever the body does is cut off soon: it is not waited for. The telling of an end that it
     * has come to is.
     */
    private void leaveWithTheProcess() {
        Span begun;
        try {
            begun = begunAsTheProcessEnds();
        } catch (InterruptedException interrupted) {
            return;
        }
        if (begun == null) {
            return;
        }
        try {
            begun.end(End.builder().status("aborted").timeout(PATIENCE).build());
        } catch (RuntimeException untold) {
            log.log(
                    LogListener.Level.WARNING,
                    "that the " + what + " is aborted could not be told: " + untold.getMessage());
        }
    }

    /** Ends the asking, which tells its end by itself; null if nothing is left to be told. */
    private synchronized Span begunAsTheProcessEnds() throws InterruptedException {
        isCancelled = true;
        if (span == null && !isOver) {
            thread.interrupt();
            wait(ASKING_MILLIS);
        }
        return isOver ? null : span;
    }

    /** Interrupts the body; one that has not begun yet does not. */
    synchronized void interrupt() {
        isCancelled = true;
        if (isRunning) {
            thread.interrupt();
        }
    }

    private synchronized void enter(Span begun) {
        if (isCancelled) {
            throw new CallInterruptedException(
                    "the client was cancelled before the " + what + " began");
        }
        span = begun;
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
