import com.dtolabs.rundeck.plugins.notification.NotificationPlugin
import java.util.concurrent.TimeUnit

/**
 * Tells how the deployments of a job ended that its step Versioner / Deployment began, if nobody else
 * told: completed, failed, or aborted. For the triggers start, success, failure and retryable failure.
 *
 * It finds them in the folder where the step keeps them, and ends them with the command versioner.
 */
rundeckPlugin(NotificationPlugin) {
    title = 'Versioner'
    description = 'Tell Versioner how the deployments of this job ended. Choose it on start, success, failure and retryable failure.'

    configuration {
        command title: 'Command', defaultValue: '/opt/versioner/bin/versioner', required: true,
            description: 'Path on the Rundeck server of the command versioner'
        config_file title: 'Configuration file', required: false,
            description: 'Path on the Rundeck server of a configuration file with the API key; ~/.versioner/config.yaml of the user of Rundeck if empty'
        state_folder title: 'State folder', required: false,
            description: 'As in the settings of the step; ~/.versioner/rundeck of the user of Rundeck if empty'
    }

    // The whole of it, as the most patient client needs it.
    def longestSeconds = 150

    def folderOf = { Map config ->
        def named = config.state_folder?.toString()?.trim()
        new File(named ?: "${System.getProperty('user.home')}/.versioner/rundeck")
    }

    // Rundeck says the same as `execution` or as a whole.
    def factsOf = { Map data -> data.execution instanceof Map ? data.execution : data }

    def isEnded = { Map config, File state, String status ->
        def builder = new ProcessBuilder([config.command.toString(), 'span', 'end', '--state', state.path, status])
        def file = config.config_file?.toString()?.trim()
        if (file) {
            builder.environment().put('VERSIONER_CONFIG', file)
        }
        builder.redirectErrorStream(true).redirectOutput(new File(state.path + '.log'))
        def process = builder.start()
        process.outputStream.close()
        def isOver = process.waitFor(longestSeconds, TimeUnit.SECONDS)
        if (!isOver) {
            process.destroyForcibly()
        }
        def log = new File(state.path + '.log')
        System.err.println("versioner span end --state ${state.path} ${status}: ${log.text.trim()}")
        log.delete()
        isOver && process.exitValue() == 0
    }

    def end = { Map data, Map config, String status ->
        def execution = factsOf(data).id.toString()
        def files = (folderOf(config).listFiles() ?: []).findAll { it.name.startsWith("${execution}-") }
        def states = files.findAll { it.name.endsWith('.json') || it.name.endsWith('.ended') }
        def untold = states.findAll { state -> !isEnded(config, state, status) }
        new File(folderOf(config), "${execution}.watched").delete()
        if (!untold) {
            files.each { it.delete() }
        }
        untold.isEmpty()
    }

    onstart { Map data, Map config ->
        def folder = folderOf(config)
        folder.mkdirs()
        // The step sees by this that somebody will end what it begins.
        new File(folder, "${factsOf(data).id}.watched").text = ''
        true
    }

    onsuccess { Map data, Map config -> end(data, config, 'completed') }

    onfailure { Map data, Map config ->
        end(data, config, factsOf(data).status == 'aborted' ? 'aborted' : 'failed')
    }

    onretryablefailure { Map data, Map config -> end(data, config, 'failed') }
}
