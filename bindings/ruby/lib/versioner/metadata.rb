# frozen_string_literal: true

require 'bigdecimal'
require 'json'

module Versioner
  # Writes +extra_metadata+ as JSON, with numbers exactly as they are.
  module Metadata
    DEEPEST = 100
    private_constant :DEEPEST

    # @param value [Hash, String] an object of the caller's own, or its JSON text
    # @return [String]
    # @raise [ArgumentError] for what JSON cannot tell
    def self.json(value)
      value.is_a?(String) ? value : write(value, 'extra_metadata', 1)
    end

    def self.write(value, place, depth)
      case value
      when Hash, Array then nested(value, place, depth)
      when Float, BigDecimal then number(value, place)
      when String, Symbol then JSON.generate(Text.utf8(place, value.to_s))
      when Integer, true, false, nil then JSON.generate(value)
      else raise wrong("#{place} is a #{value.class}, which JSON cannot tell")
      end
    end
    private_class_method :write

    def self.nested(value, place, depth)
      raise wrong("extra_metadata is nested deeper than #{DEEPEST}") if depth > DEEPEST
      return "{#{value.map { |key, each| member(key, each, place, depth) }.join(',')}}" if value.is_a?(Hash)

      "[#{value.each_with_index.map { |each, at| write(each, "#{place}[#{at}]", depth + 1) }.join(',')}]"
    end
    private_class_method :nested

    def self.member(key, value, place, depth)
      is_text = key.is_a?(String) || key.is_a?(Symbol)
      raise wrong("#{place} has the key #{key.inspect}, which is no text") unless is_text

      name = Text.utf8("a key of #{place}", key.to_s)
      "#{JSON.generate(name)}:#{write(value, "#{place}.#{name}", depth + 1)}"
    end
    private_class_method :member

    def self.number(value, place)
      raise wrong("#{place} is #{value}, which JSON cannot tell") unless value.finite?

      value.is_a?(BigDecimal) ? value.to_s('F') : JSON.generate(value)
    end
    private_class_method :number

    def self.wrong(problem)
      ArgumentError.new(problem, argument: 'extra_metadata')
    end
    private_class_method :wrong
  end
end
