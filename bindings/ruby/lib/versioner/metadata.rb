# frozen_string_literal: true

require 'bigdecimal'
require 'json'

module Versioner
  # Writes +extra_metadata+ as JSON, with numbers exactly as they are.
  module Metadata
    # @param value [Hash, String] an object of the caller's own, or its JSON text
    # @return [String]
    # @raise [::ArgumentError] for what JSON cannot tell
    def self.json(value)
      value.is_a?(String) ? value : write(value, 'extra_metadata')
    end

    def self.write(value, place)
      case value
      when Hash then "{#{value.map { |key, each| member(key, each, place) }.join(',')}}"
      when Array then "[#{value.each_with_index.map { |each, at| write(each, "#{place}[#{at}]") }.join(',')}]"
      when Float, BigDecimal then number(value, place)
      when String, Symbol, Integer, true, false, nil then JSON.generate(value)
      else raise ::ArgumentError, "#{place} is a #{value.class}, which JSON cannot tell"
      end
    end
    private_class_method :write

    def self.member(key, value, place)
      unless key.is_a?(String) || key.is_a?(Symbol)
        raise ::ArgumentError, "#{place} has the key #{key.inspect}, which is no text"
      end

      "#{JSON.generate(key.to_s)}:#{write(value, "#{place}.#{key}")}"
    end
    private_class_method :member

    def self.number(value, place)
      raise ::ArgumentError, "#{place} is #{value}, which JSON cannot tell" unless value.finite?

      value.is_a?(BigDecimal) ? value.to_s('F') : JSON.generate(value)
    end
    private_class_method :number
  end
end
