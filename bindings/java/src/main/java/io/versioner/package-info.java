/**
 * Tells Versioner what is built and what is deployed where, and stops a deployment when it says no.
 *
 * <p>{@link io.versioner.Client} is where to start. Everything here may be used by many threads.
 */
package io.versioner;
