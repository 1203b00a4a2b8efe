package io.versioner;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** Holds the classes against the names that the core has. */
class LayoutTest {
    /** A value of each type, and its text. */
    private static final Map<Class<?>, Object> VALUES =
            Map.of(
                    String.class,
                    "given",
                    boolean.class,
                    true,
                    int.class,
                    3,
                    Duration.class,
                    Duration.ofMillis(2500));

    private static final Map<Class<?>, String> TEXTS =
            Map.of(
                    String.class,
                    "given",
                    boolean.class,
                    "true",
                    int.class,
                    "3",
                    Duration.class,
                    "2.5");

    @Test
    void theLibraryInTheJarHasTheLayoutOfTheClasses() {
        NativeLibrary.load();
        assertEquals(Layout.ABI, Native.abi());
    }

    @Test
    void eachFieldOfABuildHasItsMethod() throws Exception {
        assertSetters(Layout.BUILD, BuildEvent.Builder.class);
    }

    @Test
    void eachFieldOfADeploymentHasItsMethod() throws Exception {
        assertSetters(Layout.DEPLOYMENT, DeploymentEvent.Builder.class);
    }

    @Test
    void eachValueOfAnEndHasItsMethod() throws Exception {
        assertSetters(Layout.END, End.Builder.class);
    }

    @Test
    void eachSettingOfAClientHasItsMethod() {
        List<String> methods =
                Stream.of(ClientBuilder.class.getMethods())
                        .map(Method::getName)
                        .collect(Collectors.toList());
        for (String name : Layout.OPTIONS) {
            assertTrue(methods.contains(camel(name)), name);
        }
    }

    /** Sets each value by its method, and finds it under its name. */
    private static void assertSetters(String[] names, Class<?> type) throws Exception {
        for (String name : names) {
            Object builder = type.getEnclosingClass().getMethod("builder").invoke(null);
            Method setter =
                    Stream.of(type.getMethods())
                            .filter(method -> method.getName().equals(camel(name)))
                            .filter(method -> VALUES.containsKey(method.getParameterTypes()[0]))
                            .findFirst()
                            .orElseThrow(() -> new AssertionError("no method for " + name));
            Class<?> kind = setter.getParameterTypes()[0];
            setter.invoke(builder, VALUES.get(kind));
            Object event = type.getMethod("build").invoke(builder);
            String expected =
                    type.getEnclosingClass().getSimpleName()
                            + "{"
                            + name
                            + "="
                            + TEXTS.get(kind)
                            + "}";
            assertEquals(expected, event.toString());
        }
    }

    @Test
    void eachValueOfAnOutcomeHasItsAccessor() throws Exception {
        String[] results = Layout.OUTCOME;
        for (int position = 0; position < results.length; position++) {
            assertNotNull(Outcome.class.getMethod(camel(results[position])));
            Field constant =
                    Layout.class.getDeclaredField(results[position].toUpperCase(Locale.ROOT));
            assertEquals(position, constant.getInt(null), results[position]);
        }
        assertEquals("text", results[results.length - 1], "Outcome counts on text to be the last");
    }

    private static String camel(String name) {
        return Pattern.compile("_(.)")
                .matcher(name)
                .replaceAll(match -> match.group(1).toUpperCase(Locale.ROOT));
    }
}
