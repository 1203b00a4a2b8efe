ruleset {
    ruleset('rulesets/basic.xml')
    ruleset('rulesets/braces.xml')
    ruleset('rulesets/exceptions.xml') {
        // Whatever ends a deployment is told, and thrown on.
        exclude 'CatchThrowable'
        exclude 'CatchException'
    }
    ruleset('rulesets/formatting.xml') {
        exclude 'SpaceAroundMapEntryColon'
        exclude 'BlockEndsWithBlankLine'
        exclude 'BlockStartsWithBlankLine'
    }
    ruleset('rulesets/groovyism.xml') {
        exclude 'GetterMethodCouldBeProperty'
    }
    ruleset('rulesets/imports.xml') {
        exclude 'MisorderedStaticImports'
    }
    ruleset('rulesets/naming.xml') {
        exclude 'FactoryMethodName'
    }
    ruleset('rulesets/unnecessary.xml') {
        exclude 'UnnecessaryReturnKeyword'
        // As a property, a script's own member would become a variable of its binding.
        exclude 'UnnecessarySetter'
    }
    ruleset('rulesets/unused.xml')
}
