package io.versioner;

/** Says again and again that a deployment goes on, while its body runs. */
final class Renewal {
    private final Span span;
    private final LogListener log;
    private Thread thread;
    private boolean isOver;

    Renewal(Span span, LogListener log) {
        this.span = span;
        this.log = log;
    }

    /** Begins, if the span can be renewed at all. */
    void start() {
        long interval = span.renewalInterval();
        if (interval > 0) {
            thread = new Thread(() -> renew(interval), "versioner-renew");
            thread.setDaemon(true);
            thread.start();
        }
    }

    private void renew(long interval) {
        try {
            while (true) {
                Thread.sleep(interval);
                try {
                    span.renew();
                } catch (VersionerException lost) {
                    warn(lost);
                }
            }
        } catch (InterruptedException over) {
            // Stopped.
        }
    }

    private synchronized void warn(VersionerException lost) {
        if (!isOver) {
            log.log(
                    LogListener.Level.WARNING,
                    "that the deployment goes on could not be said: " + lost.getMessage());
        }
    }

    synchronized void stop() {
        isOver = true;
        if (thread != null) {
            thread.interrupt();
        }
    }
}
