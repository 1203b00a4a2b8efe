import com.dtolabs.rundeck.core.plugins.BaseScriptPlugin;
import com.dtolabs.rundeck.core.plugins.PluggableService;
import com.dtolabs.rundeck.core.plugins.ProviderIdent;
import com.dtolabs.rundeck.core.plugins.ScriptPluginProvider;
import com.dtolabs.rundeck.core.plugins.ScriptPluginProviderLoadable;
import com.dtolabs.rundeck.core.plugins.ScriptPluginProviderLoader;
import com.dtolabs.rundeck.core.plugins.configuration.Description;
import com.dtolabs.rundeck.core.plugins.configuration.Property;
import java.io.File;
import java.lang.reflect.Proxy;
import java.nio.file.Files;

/** Loads a plugin as Rundeck does, and prints what it found: a line per provider and property. */
public final class LoadPlugin {
    private static final class Step extends BaseScriptPlugin {
        Step(ScriptPluginProvider provider) {
            super(provider);
        }

        @Override
        public boolean isAllowCustomProperties() {
            return true;
        }
    }

    public static void main(String[] arguments) throws Exception {
        File cache = Files.createTempDirectory("rundeck").toFile();
        var loader = new ScriptPluginProviderLoader(new File(arguments[0]), cache);
        for (ProviderIdent provider : loader.listProviders()) {
            Step step = load(loader, provider);
            Description description = step.getDescription();
            System.out.println(provider.getService() + " " + description.getName());
            for (Property property : description.getProperties()) {
                System.out.println(
                        description.getName()
                                + "." + property.getName()
                                + " " + property.getType()
                                + (property.isRequired() ? " required" : "")
                                + " " + property.getRenderingOptions());
            }
        }
    }

    @SuppressWarnings("unchecked")
    private static Step load(ScriptPluginProviderLoader loader, ProviderIdent provider)
            throws Exception {
        Class<?>[] interfaces = {PluggableService.class, ScriptPluginProviderLoadable.class};
        Object service =
                Proxy.newProxyInstance(
                        LoadPlugin.class.getClassLoader(),
                        interfaces,
                        (proxy, method, values) -> {
                            switch (method.getName()) {
                                case "getName":
                                    return provider.getService();
                                case "createScriptProviderInstance":
                                    return new Step((ScriptPluginProvider) values[0]);
                                default:
                                    throw new UnsupportedOperationException(method.toString());
                            }
                        });
        return loader.load((PluggableService<Step>) service, provider.getProviderName());
    }
}
