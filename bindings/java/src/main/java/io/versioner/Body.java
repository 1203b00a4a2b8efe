package io.versioner;

/**
 * What deploys, between a start that was allowed and its end.
 *
 * @param <E> what it may throw
 */
@FunctionalInterface
public interface Body<E extends Exception> {
    /**
     * Deploys. Returning means that it succeeded.
     *
     * @param span the deployment
     * @throws E if it failed, or was interrupted
     */
    void run(Span span) throws E;
}
