# frozen_string_literal: true

require 'time'

module Versioner
  # Turns the fields of an event into a struct of the C library.
  module Fields
    TIMES = %i[started_at completed_at].freeze
    # What a variable that nobody set must not choose.
    NEVER_BLANK = %i[product environment version status].freeze
    BLANK = /\A[[:space:]\u{FEFF}]*\z/.freeze
    # Members that are not the caller's.
    OWN = %i[struct_size cancel_flag].freeze
    private_constant :TIMES, :NEVER_BLANK, :BLANK, :OWN

    # @param struct [Class] of the C event
    # @param given [Hash{Symbol => Object}]
    # @param arena [Arena] holds what the struct points to
    # @return [FFI::Struct]
    # @raise [ArgumentError] for an unknown field, or a value of the wrong sort
    def self.struct(struct, given, arena)
      Keywords.check(given, struct.members - OWN)
      event = struct.new
      event[:struct_size] = event.size
      given.each do |name, value|
        next if value.nil?
        next event[name] = Keywords.choice(name, value) if name == :skip_preflight_checks

        text = Text.utf8(name, text(name, value))
        raise blank(name) if NEVER_BLANK.include?(name) && text.match?(BLANK)

        event[name] = arena.text(name, text)
      end
      event
    end

    def self.text(name, value)
      return Metadata.json(value) if name == :extra_metadata
      return time(name, value) if TIMES.include?(name)

      word(name, value)
    end
    private_class_method :text

    def self.blank(name)
      ArgumentError.new("#{name} is required if it is named, but is blank: give it a value, or leave it out",
                        argument: name.to_s)
    end
    private_class_method :blank

    def self.word(name, value)
      case value
      when String, Symbol then value.to_s
      when Integer
        # 1.10 would be 1.1, so a version is text from the start.
        raise Keywords.wrong(name, value, "text, such as '#{value}'") if name == :version

        value.to_s
      else raise Keywords.wrong(name, value.inspect, 'text')
      end
    end
    private_class_method :word

    def self.time(name, value)
      return value.to_s if value.is_a?(String)
      # A date alone is no moment. (A DateTime is a Date as well.)
      return value.iso8601(6) if value.is_a?(Time) || value.is_a?(DateTime)

      raise Keywords.wrong(name, value.inspect, 'a Time, or text such as 2026-01-31T16:04:05Z')
    end
    private_class_method :time
  end
end
