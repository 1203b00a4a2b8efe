# frozen_string_literal: true

require 'rbconfig'

module Versioner
  # What this program runs on.
  module Platform
    # Two programs of one machine may have different C libraries: the one that is loaded counts.
    MAPS = '/proc/self/maps'
    private_constant :MAPS

    # @return [String] as RubyGems calls it, on JRuby too: `x86_64-linux-musl`, `arm64-darwin`
    def self.name
      @name ||= build(RbConfig::CONFIG['host_os'], RbConfig::CONFIG['host_cpu'])
    end

    # @param system [String] as Ruby calls it
    # @param cpu [String]
    def self.build(system, cpu, maps = MAPS)
      case system
      when /linux/ then "#{wide(cpu, 'aarch64')}-linux#{'-musl' if musl?(system, maps)}"
      when /darwin|mac/i then "#{wide(cpu, 'arm64')}-darwin"
      when /mingw|mswin|windows/i then "#{wide(cpu, 'arm64').sub('x86_64', 'x64')}-mingw-ucrt"
      else "#{cpu}-#{system}"
      end
    end

    def self.wide(cpu, arm)
      case cpu
      when /\A(x86_64|amd64|x64)\z/ then 'x86_64'
      when /\A(aarch64|arm64)\z/ then arm
      else cpu
      end
    end

    def self.musl?(system, maps)
      return true if system.include?('musl')

      File.foreach(maps).any? { |line| line.include?('/ld-musl-') }
    rescue SystemCallError
      false
    end
    private_class_method :wide, :musl?
  end
end
