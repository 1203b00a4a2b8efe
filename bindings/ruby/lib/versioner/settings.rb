# frozen_string_literal: true

module Versioner
  # Turns the options of {Client} into those of the C library.
  module Settings
    TEXTS = %i[api_key api_url ui_url config ca_file client_cert client_key outbox].freeze
    # Those that may be a Pathname.
    PATHS = %i[config outbox].freeze
    KNOWN = (TEXTS + %i[fail_on_api_error max_retries retry_pause attempt_timeout total_timeout environment
                        logger]).freeze
    # The most retries that C can be told.
    MOST_RETRIES = (2**31) - 1
    private_constant :TEXTS, :PATHS, :KNOWN, :MOST_RETRIES

    # @param given [Hash] options by name
    # @param arena [Arena] holds what the struct points to
    # @return [Library::Options]
    # @raise [ArgumentError] for an unknown option, or a value of the wrong sort
    def self.struct(given, arena)
      Keywords.check(given, KNOWN)
      options = Library::Options.new
      options[:struct_size] = options.size
      texts(given).each { |name, text| options[name] = arena.text(name, Text.utf8(name, text)) }
      options[:fail_on_api_error] = Keywords.choice(:fail_on_api_error, given[:fail_on_api_error])
      options[:max_retries] = retries(given[:max_retries])
      options[:retry_pause_ms] = Keywords.milliseconds(:retry_pause, given[:retry_pause], 0)
      %i[attempt_timeout total_timeout].each do |name|
        options[:"#{name}_ms"] = Keywords.milliseconds(name, given[name], Keywords::SHORTEST)
      end
      options[:environment] = arena.environment(environment(given))
      options
    end

    # @return [Hash{String => String}] the variables that the client sees
    def self.environment(given)
      variables = given[:environment]
      return ENV.to_h if variables.nil?

      variables = variables.to_h if variables.equal?(ENV)
      raise Keywords.wrong(:environment, variables, 'a hash of variables') unless variables.is_a?(Hash)

      stray = variables.flat_map { |pair| pair.grep_v(String) }
      raise Keywords.wrong(:environment, stray.first, 'made of names and values of text') unless stray.empty?

      variables
    end

    # @raise [ArgumentError] for what cannot log
    def self.check_logger(logger)
      return if logger.nil? || %i[warn info debug].all? { |level| logger.respond_to?(level) }

      raise Keywords.wrong(:logger, logger, 'something with the methods warn, info and debug, such as a Logger')
    end

    def self.texts(given)
      texts = given.slice(*TEXTS).compact
      texts.each do |name, text|
        raise Keywords.wrong(name, text, 'text') unless text.is_a?(String) || PATHS.include?(name)
      end
      texts.transform_values(&:to_s).merge(surface: 'ruby')
    end
    private_class_method :texts

    def self.retries(count)
      case count
      when nil then 0
      when Integer
        return Header::NO_RETRIES if count.zero?
        return count if count.between?(1, MOST_RETRIES)

        raise Keywords.wrong(:max_retries, count, "a count up to #{MOST_RETRIES}")
      else raise Keywords.wrong(:max_retries, count, 'a count')
      end
    end
    private_class_method :retries
  end
end
