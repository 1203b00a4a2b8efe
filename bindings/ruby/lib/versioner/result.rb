# frozen_string_literal: true

require 'json'

module Versioner
  # Something that went well enough, but that somebody should know.
  #
  # @!attribute kind
  #   @return [Symbol] what it is about; new ones may be added. Of the event: +:unknown_status+,
  #     +:partial_success+, +:skip_preflight+, +:environment_from+, +:placeholder+. Of the settings:
  #     +:insecure_url+, +:unusual_key+, +:ignored_setting+, +:own_version+. Of the answer:
  #     +:report_only+, +:accepted+, +:new_environment+, +:not_recorded+. Of the outbox:
  #     +:queued+, +:outbox_full+, +:outbox+
  # @!attribute message
  #   @return [String] what to tell people
  # @!attribute rule
  #   @return [String] the violated rule, of +:report_only+; else empty
  Warning = Struct.new(:kind, :message, :rule, keyword_init: true)

  # How a call ended; frozen. Absent texts are empty.
  #
  # @!attribute code
  #   @return [Integer] 0, 1, 4 or 5
  # @!attribute kind
  #   @return [Symbol] the finer reason; +:ok+ if the event is recorded, or taken to be
  # @!attribute message
  #   @return [String] what went wrong and what to do
  # @!attribute argument
  #   @return [String] the argument or setting at fault
  # @!attribute http_status
  #   @return [Integer] the HTTP status of the last answer; 0 if there was none
  # @!attribute attempts
  #   @return [Integer] how often the event was sent
  # @!attribute recorded
  #   @return [Boolean] whether the service recorded the event
  # @!attribute event_id
  #   @return [String]
  # @!attribute product_id
  #   @return [String]
  # @!attribute version_id
  #   @return [String]
  # @!attribute environment_id
  #   @return [String]
  # @!attribute status
  #   @return [String] the recorded status, or +accepted+ if the service has taken the event without
  #     recording it yet; of one that could not be recorded +queued+ if the outbox keeps it, and in
  #     best-effort mode +not_recorded+
  # @!attribute deployed_at
  #   @return [String] when the service says that the deployment was
  # @!attribute version
  #   @return [String] the version that is deployed, of {Client#deployed_version}
  # @!attribute data
  #   @return [Hash, Array, nil] what was asked for, of calls that ask
  # @!attribute source_system
  #   @return [String] the CI system that was named or detected
  # @!attribute features
  #   @return [Array<String>] what the service offers beyond events, such as +preflight+, as its
  #     answer lists it; empty if it lists nothing
  # @!attribute rule
  #   @return [String] name of the rule that rejects
  # @!attribute policy_code
  #   @return [String] the service's code of a rejection
  # @!attribute retry_after
  #   @return [String] when to try again after a rejection
  # @!attribute details
  #   @return [Hash, nil] further facts about a rejection
  # @!attribute text
  #   @return [String] the block that the command line prints for people
  # @!attribute warnings
  #   @return [Array<Warning>]
  Result = Struct.new(
    :code, :kind, :message, :argument, :http_status, :attempts, :recorded, :event_id, :product_id,
    :version_id, :environment_id, :status, :deployed_at, :version, :data, :source_system, :features, :rule,
    :policy_code, :retry_after, :details, :text, :warnings, keyword_init: true
  )

  # Its methods.
  class Result
    ABSENT = members.to_h { |name| [name, ''] }.merge(
      code: 0, kind: :ok, http_status: 0, attempts: 0, recorded: false, features: [].freeze, details: nil, data: nil,
      warnings: [].freeze
    ).freeze
    NAMES = members.to_h { |name| [name.to_s, true] }.freeze
    private_constant :ABSENT, :NAMES

    # @param json [String] the C library's flat JSON object. A newer library may know more, which
    #   is left out.
    # @return [Result]
    def self.parse(json)
      # Details may be nested deeper than Ruby's parser likes; the C library has bounded them.
      result = new(**ABSENT)
      JSON.parse(json, max_nesting: false).each { |name, value| result[name] = value if NAMES.include?(name) }
      result.kind = result.kind.to_sym
      result.features.freeze
      result.warnings = result.warnings.map { |values| warning(values.transform_keys(&:to_sym)) }.freeze
      result.freeze
    end

    # @param values [Hash] what is known; the rest is absent
    # @return [Result]
    def self.of(**values)
      new(**ABSENT, **values).freeze
    end

    def self.warning(values)
      Warning.new(**values.slice(*Warning.members), kind: values[:kind].to_sym).freeze
    end
    private_class_method :warning

    # @return [Boolean] whether the service recorded the event
    def recorded?
      recorded
    end

    # @return [Hash] every value by the name that the other languages share, ready for JSON
    def to_h
      super.merge(kind: kind.to_s, warnings: warnings.map { |each| each.to_h.merge(kind: each.kind.to_s) })
    end
  end
end
