# frozen_string_literal: true

module Versioner
  # One run of Capistrano: it asks before the deployment, and tells how that ended, once.
  class CapistranoRun
    # What lies in each release, for a rollback to it.
    FILE = 'VERSIONER_VERSION'

    # @param options [Hash] of {Client}
    # @param fields [Hash] of {Client#begin}
    def initialize(options, fields)
      @client = Client.new(logger: self, **options)
      @fields = fields
      @process = Process.pid
    end

    # @return [String] the version that is deployed, wherever it comes from
    def version
      explained('values', 'version')['value']
    end

    # Asks.
    #
    # @raise [Error] if it must not happen
    def start
      @span = @client.begin(**@fields)
      puts @span.started.text if @span.started&.recorded?
      @renewal = Renewal.new(@span) { |warning| warn(warning) }
    end

    # Tells that it succeeded. It did, whether this can be told or not.
    def complete
      finish(status: 'completed')
    end

    # Tells that it ended before it was done.
    #
    # @param error [Exception, nil] what ended it
    def leave(error)
      # Capistrano leaves by `exit` once it has shown an exception.
      error = error.cause while error.is_a?(SystemExit) && error.cause
      is_quiet = error.nil? || (error.is_a?(SystemExit) && error.success?)
      finish(is_quiet ? { status: 'aborted' } : Scope.ending(error))
    end

    # @return [Integer, nil] the exit code for a success that somebody insists on having recorded
    def missing
      return unless @is_complete && @untold

      setting = explained('settings', 'fail_on_api_error')
      @untold.code if setting['value'] == 'true' && setting['source'] != 'default'
    end

    # What the client warns of.
    def warn(message)
      Kernel.warn("versioner: #{message.tr("\n", ' ')}")
    end

    # What it waits for.
    def info(message)
      puts "versioner: #{message}"
    end

    def debug(_message); end

    private

    # A child that was forked by a task has nothing to end.
    def finish(ending)
      return if @is_ended || @span.nil? || @process != Process.pid

      @is_ended = true
      @is_complete = ending[:status] == 'completed'
      @renewal&.stop
      result = @span.end(ending[:status], **ending.slice(:error_class, :exit_code, :signal, :timeout))
      puts result.text if result.recorded?
    rescue Error => e
      @untold = e
      warn("the deployment is #{ending[:status]}, but this could not be told: #{e.text}")
    end

    def explained(list, field)
      @client.explain_deployment(**@fields)[list].find { |each| each['field'] == field }
    end
  end
end
