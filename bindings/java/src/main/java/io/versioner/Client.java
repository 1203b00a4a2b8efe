package io.versioner;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Tells the service about builds and deployments.
 *
 * <p>Made once and used for many events: it keeps connections open. It may be used by many threads
 * at once. A call blocks its thread until the event is recorded or cannot be; {@link
 * Thread#interrupt()} ends it within 50 milliseconds, and leaves the thread interrupted. What a
 * client holds lies outside the heap, so it must be closed.
 *
 * <pre>{@code
 * try (Client client = Client.builder().build()) {
 *     client.deployment(
 *             DeploymentEvent.builder()
 *                     .product("api").environment("production").version("1.2.3").build(),
 *             span -> Files.copy(newSite, site));
 * } catch (RejectedException rejected) {
 *     System.err.println(rejected.outcome().text());
 * }
 * }</pre>
 */
public final class Client implements AutoCloseable {
    private final long number;
    private final LogListener log;
    private final Set<Scope> scopes = ConcurrentHashMap.newKeySet();

    Client(long number, LogListener log) {
        this.number = number;
        this.log = log;
    }

    /**
     * Starts a client.
     *
     * @return a builder with every setting unset
     */
    public static ClientBuilder builder() {
        return new ClientBuilder();
    }

    /**
     * Deploys: asks, runs the body if it may, and tells how that ended. It is {@code completed} if
     * the body returns, {@code aborted} if it throws because of an interruption, and {@code failed}
     * if it throws anything else. It counts as an interruption if the thread is interrupted, this
     * client was cancelled or closed, or an {@link InterruptedException} or {@link
     * CallInterruptedException} is what was thrown or its cause. While the body runs, a thread of
     * the library says that the deployment goes on. If the process ends meanwhile, by a signal or
     * {@link System#exit}, {@code aborted} is told before it is gone, within 5 s.
     *
     * <p>What the body throws is thrown on as it is; if its end could not be told, the reason is
     * among {@link Throwable#getSuppressed() those suppressed}. A body that returned has deployed,
     * so nothing is thrown if that could not be told: a warning is logged, and the outcome says
     * why, for {@link Outcome#orThrow()}.
     *
     * @param <E> what the body may throw
     * @param event what is deployed. Its status must be unset or {@code started}
     * @param body what deploys, on the thread that called
     * @return how the telling of the end went, of any code
     * @throws E if the body does
     * @throws RejectedException if policy forbids it; the body did not run
     * @throws VersionerException if it could not be asked; the body did not run. If nobody knows
     *     whether the start is recorded, {@code aborted} was told
     * @throws IllegalStateException if this client is closed
     */
    public <E extends Exception> Outcome deployment(DeploymentEvent event, Body<E> body) throws E {
        return new Scope("deployment", log).run(scopes, () -> begin(event), body);
    }

    /**
     * {@link #deployment(DeploymentEvent, Body)} with {@link DeploymentEvent#of(Map)}; in Groovy
     * {@code client.deployment(product: 'api', environment: 'test', version: '1.2.3') { deploy()
     * }}.
     *
     * @param <E> what the body may throw
     * @param values the values by name
     * @param body what deploys, on the thread that called
     * @return how the telling of the end went, of any code
     * @throws E if the body does
     * @throws VersionerException if it may not begin or could not be asked; the body did not run
     * @throws IllegalArgumentException if a name is none of a deployment's
     * @throws IllegalStateException if this client is closed
     */
    public <E extends Exception> Outcome deployment(Map<String, ?> values, Body<E> body) throws E {
        return deployment(DeploymentEvent.of(values), body);
    }

    /**
     * {@link #deployment(DeploymentEvent, Body)} for a build: tells that it begins, runs the body,
     * and tells how that ended.
     *
     * @param <E> what the body may throw
     * @param event what is built. Its status must be unset or {@code started}
     * @param body what builds, on the thread that called
     * @return how the telling of the end went, of any code
     * @throws E if the body does
     * @throws RejectedException if the version was built of other code before; the body did not run
     * @throws VersionerException if it could not be told; the body did not run
     * @throws IllegalStateException if this client is closed
     */
    public <E extends Exception> Outcome build(BuildEvent event, Body<E> body) throws E {
        return new Scope("build", log).run(scopes, () -> beginBuild(event), body);
    }

    /**
     * {@link #build(BuildEvent, Body)} with {@link BuildEvent#of(Map)}; in Groovy {@code
     * client.build(product: 'api', version: '1.2.3') { make() }}.
     *
     * @param <E> what the body may throw
     * @param values the values by name
     * @param body what builds, on the thread that called
     * @return how the telling of the end went, of any code
     * @throws E if the body does
     * @throws VersionerException if it may not begin or could not be told; the body did not run
     * @throws IllegalArgumentException if a name is none of a build's
     * @throws IllegalStateException if this client is closed
     */
    public <E extends Exception> Outcome build(Map<String, ?> values, Body<E> body) throws E {
        return build(BuildEvent.of(values), body);
    }

    /**
     * Asks whether a deployment may begin, and begins it, for one that ends elsewhere than it
     * begins; {@link #deployment} is the form that ends it whatever happens.
     *
     * @param event what is deployed. Its status must be unset or {@code started}
     * @return the deployment, to be ended with {@link Span#end}
     * @throws RejectedException if policy forbids it
     * @throws VersionerException if it could not be asked. If nobody knows whether the start is
     *     recorded, {@code aborted} was told, within 5 s, whatever interrupted the asking
     * @throws IllegalStateException if this client is closed
     */
    public Span begin(DeploymentEvent event) {
        byte[] values = event.joined();
        return span(() -> Native.begin(number, values));
    }

    /**
     * {@link #begin(DeploymentEvent)} with {@link DeploymentEvent#of(Map)}.
     *
     * @param values the values by name
     * @return the deployment, to be ended with {@link Span#end}
     * @throws VersionerException if it may not begin or could not be asked
     * @throws IllegalArgumentException if a name is none of a deployment's
     * @throws IllegalStateException if this client is closed
     */
    public Span begin(Map<String, ?> values) {
        return begin(DeploymentEvent.of(values));
    }

    /**
     * Makes a deployment that is not yet asked for, so that it can be saved first; {@link Span#ask}
     * asks. Sends nothing.
     *
     * @param event what is deployed. Its status must be unset or {@code started}
     * @return the deployment
     * @throws UsageException if the event cannot be sent
     * @throws IllegalStateException if this client is closed
     */
    public Span prepare(DeploymentEvent event) {
        byte[] values = event.joined();
        return span(() -> Native.prepare(number, values));
    }

    /**
     * {@link #begin(DeploymentEvent)} for a build.
     *
     * @param event what is built. Its status must be unset or {@code started}
     * @return the build, to be ended with {@link Span#end}
     * @throws RejectedException if the version was built of other code before
     * @throws VersionerException if it could not be told, as {@link #begin(DeploymentEvent)}
     * @throws IllegalStateException if this client is closed
     */
    public Span beginBuild(BuildEvent event) {
        byte[] values = event.joined();
        return span(() -> Native.beginBuild(number, values));
    }

    /**
     * {@link #beginBuild(BuildEvent)} with {@link BuildEvent#of(Map)}.
     *
     * @param values the values by name
     * @return the build, to be ended with {@link Span#end}
     * @throws VersionerException if it may not begin or could not be told
     * @throws IllegalArgumentException if a name is none of a build's
     * @throws IllegalStateException if this client is closed
     */
    public Span beginBuild(Map<String, ?> values) {
        return beginBuild(BuildEvent.of(values));
    }

    /**
     * {@link #prepare(DeploymentEvent)} for a build.
     *
     * @param event what is built. Its status must be unset or {@code started}
     * @return the build
     * @throws UsageException if the event cannot be sent
     * @throws IllegalStateException if this client is closed
     */
    public Span prepareBuild(BuildEvent event) {
        byte[] values = event.joined();
        return span(() -> Native.prepareBuild(number, values));
    }

    /**
     * A deployment or build of the text that {@link Span#save} gave, in this process or another; it
     * belongs to this process from now on. One that was saved before it was allowed asks again,
     * under the same key: it is the same deployment.
     *
     * @param saved the text
     * @return the deployment or build
     * @throws UsageException if the text is none, or of another service or account
     * @throws VersionerException as {@link #begin(DeploymentEvent)}, if it asks
     * @throws IllegalStateException if this client is closed
     */
    public Span resume(String saved) {
        byte[] text = Joined.join(List.of("saved"), List.of(saved));
        return span(() -> Native.resume(number, text));
    }

    /** {@link #resume} that asks nothing. */
    Span restore(String saved) {
        byte[] text = Joined.join(List.of("saved"), List.of(saved));
        return span(() -> Native.restore(number, text));
    }

    /**
     * Tells that something was built. Returns once it is recorded or cannot be.
     *
     * @param event what was built
     * @return how the call ended, with code {@link Code#OK}
     * @throws VersionerException for every other code
     * @throws IllegalStateException if this client is closed
     */
    public Outcome trackBuild(BuildEvent event) {
        byte[] values = event.joined();
        return finished(() -> Native.trackBuild(number, values));
    }

    /**
     * {@link #trackBuild(BuildEvent)} with {@link BuildEvent#of(Map)}; in Groovy {@code
     * client.trackBuild(product: 'api', version: '1.2.3')}.
     *
     * @param values the values by name
     * @return how the call ended, with code {@link Code#OK}
     * @throws VersionerException for every other code
     * @throws IllegalArgumentException if a name is none of a build's
     * @throws IllegalStateException if this client is closed
     */
    public Outcome trackBuild(Map<String, ?> values) {
        return trackBuild(BuildEvent.of(values));
    }

    /**
     * Tells that something is deployed. With status {@code started} it is checked against policy
     * first: on a {@link RejectedException} the deployment must not happen.
     *
     * @param event what is deployed
     * @return how the call ended, with code {@link Code#OK}
     * @throws VersionerException for every other code
     * @throws IllegalStateException if this client is closed
     */
    public Outcome trackDeployment(DeploymentEvent event) {
        byte[] values = event.withoutLease().joined();
        return finished(() -> Native.trackDeployment(number, values));
    }

    /**
     * {@link #trackDeployment(DeploymentEvent)} with {@link DeploymentEvent#of(Map)}; in Groovy
     * {@code client.trackDeployment(product: 'api', environment: 'test', version: '1.2.3')}.
     *
     * @param values the values by name
     * @return how the call ended, with code {@link Code#OK}
     * @throws VersionerException for every other code
     * @throws IllegalArgumentException if a name is none of a deployment's
     * @throws IllegalStateException if this client is closed
     */
    public Outcome trackDeployment(Map<String, ?> values) {
        return trackDeployment(DeploymentEvent.of(values));
    }

    /**
     * Asks whether a deployment may start, and records nothing. Its status is taken for {@code
     * started}, whatever it says, and no check is skipped. Best effort softens nothing. Needs
     * versioner-server.
     *
     * @param event what would be deployed
     * @return how the call ended, with code {@link Code#OK}; {@link Outcome#data()} has every
     *     rule's verdict
     * @throws RejectedException if a rule forbids it
     * @throws VersionerException if there is no clear answer
     * @throws IllegalStateException if this client is closed
     */
    public Outcome checkDeployment(DeploymentEvent event) {
        byte[] values = event.withoutLease().joined();
        return finished(() -> Native.checkDeployment(number, values));
    }

    /**
     * {@link #checkDeployment(DeploymentEvent)} with {@link DeploymentEvent#of(Map)}.
     *
     * @param values the values by name
     * @return how the call ended, with code {@link Code#OK}
     * @throws VersionerException for every other code
     * @throws IllegalArgumentException if a name is none of a deployment's
     * @throws IllegalStateException if this client is closed
     */
    public Outcome checkDeployment(Map<String, ?> values) {
        return checkDeployment(DeploymentEvent.of(values));
    }

    /**
     * What {@link #trackBuild} would send, and where each value comes from. Sends and logs nothing.
     *
     * @param event what was built
     * @return the request and its values
     * @throws UsageException if the event cannot be sent
     * @throws IllegalStateException if this client is closed
     */
    public Explanation explainBuild(BuildEvent event) {
        byte[] values = event.joined();
        return explained(() -> Native.explainBuild(number, values));
    }

    /**
     * {@link #explainBuild(BuildEvent)} with {@link BuildEvent#of(Map)}.
     *
     * @param values the values by name
     * @return the request and its values
     * @throws UsageException if the event cannot be sent
     * @throws IllegalArgumentException if a name is none of a build's
     * @throws IllegalStateException if this client is closed
     */
    public Explanation explainBuild(Map<String, ?> values) {
        return explainBuild(BuildEvent.of(values));
    }

    /**
     * What {@link #trackDeployment} would send, and where each value comes from. Sends and logs
     * nothing. Policy is not asked.
     *
     * @param event what is deployed
     * @return the request and its values
     * @throws UsageException if the event cannot be sent
     * @throws IllegalStateException if this client is closed
     */
    public Explanation explainDeployment(DeploymentEvent event) {
        byte[] values = event.withoutLease().joined();
        return explained(() -> Native.explainDeployment(number, values));
    }

    /**
     * {@link #explainDeployment(DeploymentEvent)} with {@link DeploymentEvent#of(Map)}.
     *
     * @param values the values by name
     * @return the request and its values
     * @throws UsageException if the event cannot be sent
     * @throws IllegalArgumentException if a name is none of a deployment's
     * @throws IllegalStateException if this client is closed
     */
    public Explanation explainDeployment(Map<String, ?> values) {
        return explainDeployment(DeploymentEvent.of(values));
    }

    /**
     * Reads what the service knows. Best effort softens nothing. Needs versioner-server and a key
     * with the scope {@code read}.
     *
     * @param path below the API URL, such as {@code deployments/}
     * @param query names and values of parameters, taken as their text, such as {@code
     *     Map.of("product", "api")}; none may be null or blank
     * @return how the call ended, with code {@link Code#OK}; {@link Outcome#data()} is the JSON of
     *     the answer
     * @throws VersionerException for every other code, but never a {@link RejectedException}
     * @throws IllegalStateException if this client is closed
     */
    public Outcome read(String path, Map<String, ?> query) {
        List<String> names = new ArrayList<>(List.of("path"));
        List<String> texts = new ArrayList<>(List.of(path));
        query.forEach(
                (name, value) -> {
                    names.add("query");
                    names.add(name);
                    texts.add(name);
                    texts.add(value == null ? "" : value.toString());
                });
        byte[] values = Joined.join(names, texts);
        return finished(() -> Native.read(number, values));
    }

    /**
     * Reads what runs where: {@link Outcome#data()} has {@code products}, each with its {@code
     * environments}.
     *
     * @param product only this one; null for all
     * @return how the call ended, with code {@link Code#OK}
     * @throws VersionerException as {@link #read}
     * @throws IllegalStateException if this client is closed
     */
    public Outcome state(String product) {
        byte[] values = Joined.join(List.of("product"), List.of(given(product)));
        return finished(() -> Native.state(number, values));
    }

    /**
     * Reads the version whose deployment to an environment was the last that completed: {@link
     * Outcome#version()}. What is null is taken from {@code VERSIONER_*} variables, the
     * configuration file and the CI system.
     *
     * @param product name of the product
     * @param environment name of the environment
     * @return how the call ended, with code {@link Code#OK}
     * @throws ApiException of kind {@link Kind#NOT_DEPLOYED} if nothing is deployed there or a name
     *     is not known; the message says which
     * @throws VersionerException as {@link #read}
     * @throws IllegalStateException if this client is closed
     */
    public Outcome deployedVersion(String product, String environment) {
        byte[] values =
                Joined.join(
                        List.of("product", "environment"),
                        List.of(given(product), given(environment)));
        return finished(() -> Native.deployedVersion(number, values));
    }

    /** A text that is given and empty was meant to be something. */
    private static String given(String text) {
        if (text == null) {
            return "";
        }
        return text.isEmpty() ? " " : text;
    }

    /**
     * Ends every call in progress with kind {@link Kind#INTERRUPTED}, and interrupts the threads
     * that are in the body of a {@link #deployment}; later calls are not touched, and neither is
     * the telling of an end.
     */
    public void cancel() {
        Native.cancel(number);
        scopes.forEach(Scope::interrupt);
    }

    /**
     * {@link #cancel Cancels} what is in progress and frees what this client holds. Closing again
     * does nothing. A {@link Span} keeps what it needs.
     */
    @Override
    public void close() {
        Native.close(number);
        scopes.forEach(Scope::interrupt);
    }

    /** {@return the number of this client; no setting, and so never the API key} */
    @Override
    public String toString() {
        return "Client#" + number;
    }

    private static Span span(Native.Call call) {
        return new Span(VersionerException.orTagged("span", answer(call)));
    }

    private static Explanation explained(Native.Call call) {
        return new Explanation(VersionerException.orTagged("explanation", answer(call)));
    }

    private static Outcome finished(Native.Call call) {
        return VersionerException.orOutcome(answer(call));
    }

    private static String[] answer(Native.Call call) {
        byte[] answer = VersionerException.guarded(call);
        if (answer == null) {
            throw new IllegalStateException("the client is closed");
        }
        return Joined.split(answer);
    }
}
