package io.versioner;

import java.lang.ref.Cleaner;
import java.util.Arrays;
import java.util.Map;

/**
 * One deployment or build from its start to its end: {@code started} once, then one end.
 *
 * <p>{@link Client#deployment} and {@link Client#build} are the forms that end it whatever happens.
 * A span is for what begins in one place and ends in another. Any thread may end it; the first end
 * counts. It needs no closing, and works on if its {@link Client} is closed, whose settings it
 * keeps. One that is open, was not saved, and that nobody holds any more is lost, which is logged
 * as a warning; nothing is sent then, because nobody knows whether the deployment went well, but
 * the outbox, if there is one, gets {@code aborted}.
 */
public final class Span {
    private static final Cleaner CLEANER = Cleaner.create();

    private final long number;
    private final String id;
    private volatile Outcome started;

    /** Of number, identifier, and how the start ended if it was asked for. */
    Span(String[] parts) {
        long own = Long.parseLong(parts[0]);
        number = own;
        id = parts[1];
        started =
                parts.length == 2 ? null : new Outcome(Arrays.copyOfRange(parts, 2, parts.length));
        CLEANER.register(this, () -> Native.forget(own));
    }

    /** {@return its identifier, a UUID: the idempotency key of its start} */
    public String id() {
        return id;
    }

    /**
     * How the start ended.
     *
     * @return null if it was not asked for by this object
     */
    public Outcome started() {
        return started;
    }

    /**
     * Everything about it as one line of JSON, without the API key, for {@link Client#resume}. To
     * survive a crash, save before asking and after each change.
     *
     * @return the text
     * @throws IllegalStateException after {@link #letGo}
     */
    public String save() {
        return VersionerException.orTagged("text", answer(() -> Native.save(number)))[0];
    }

    /**
     * Asks whether a prepared deployment may begin. Of one that began it gives the first answer
     * again.
     *
     * @return how the start ended
     * @throws VersionerException as {@link Client#begin(DeploymentEvent)}
     * @throws IllegalStateException after {@link #letGo}
     */
    public Outcome ask() {
        Outcome outcome = VersionerException.orOutcome(answer(() -> Native.ask(number)));
        started = outcome;
        return outcome;
    }

    /**
     * Tells how it ended. The first end counts; a later one gives the result of the first, or tells
     * it again if it could not be told. Neither an interruption nor {@link Client#cancel} ends the
     * telling. A service that rejects the end is asked once more after 5 s, if there is time. What
     * happened has happened, whatever is thrown.
     *
     * @param end how it ended
     * @return how the telling went
     * @throws UsageException for a status that is no end, and if it never began
     * @throws VersionerException if it could not be told
     * @throws IllegalStateException after {@link #letGo}
     */
    public Outcome end(End end) {
        byte[] values = end.joined();
        return VersionerException.orOutcome(answer(() -> Native.end(number, values)));
    }

    /**
     * {@link #end(End)} with nothing but a status.
     *
     * @param status completed, failed or aborted, or an alias such as success
     * @return how the telling went
     * @throws VersionerException as {@link #end(End)}
     */
    public Outcome end(String status) {
        return end(End.builder().status(status).build());
    }

    /**
     * {@link #end(End)} with {@link End#of(Map)}; in Groovy {@code span.end(status: 'failed')}.
     *
     * @param values the values by name
     * @return how the telling went
     * @throws VersionerException as {@link #end(End)}
     * @throws IllegalArgumentException if a name is none of an end's
     */
    public Outcome end(Map<String, ?> values) {
        return end(End.of(values));
    }

    /** The first half of {@link #end(End)}, which the text then holds. Sends nothing. */
    void decide(End end) {
        byte[] values = end.joined();
        VersionerException.orTagged("done", answer(() -> Native.decide(number, values)));
    }

    /** The second half of {@link #end(End)}. */
    Outcome tellEnd() {
        return VersionerException.orOutcome(answer(() -> Native.tellEnd(number)));
    }

    /**
     * Says that it goes on, so that the service does not take it for lost: for another lease, or
     * for as long as the service has it. Call it every third of the lease, or every hour without
     * one; {@link Client#deployment} does. Of a service that offers no such thing (its feature
     * {@code renew}) it asks nothing.
     *
     * @throws VersionerException if it cannot be said, or the service has ended the deployment
     * @throws IllegalStateException after {@link #letGo}
     */
    public void renew() {
        VersionerException.orTagged("done", answer(() -> Native.renew(number)));
    }

    /** {@return how often to renew, in milliseconds; 0 if there is nothing to renew} */
    long renewalInterval() {
        return Native.renewalInterval(number);
    }

    /**
     * Lets go of it without an end: one that is open, and that nobody saved as it is, is told
     * {@code aborted}, once and within 5 s. It cannot be used any more.
     */
    public void letGo() {
        Native.letGo(number);
    }

    /** {@return its identifier} */
    @Override
    public String toString() {
        return "Span{" + id + "}";
    }

    private static String[] answer(Native.Call call) {
        byte[] answer = VersionerException.guarded(call);
        if (answer == null) {
            throw new IllegalStateException("the span was let go of");
        }
        return Joined.split(answer);
    }
}
